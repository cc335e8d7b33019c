import type { Address } from './address.js';
import { explain } from './codes.js';
import { post } from './request.js';
import { within } from './within.js';
import type { ProblemCode, WebRtcClientOptions } from './types.js';

/** How long `getToken` may take. */
const PATIENCE_MS = 10_000;

/** Why there is no token. */
export interface TokenProblem {
  code: ProblemCode;
  message: string;
  /** Where the code alone does not tell. */
  final?: boolean;
  /** How long to wait at least before another is asked for. */
  leastMs?: number;
  /** What was thrown, where something was. */
  err?: unknown;
}

/** An Error that says what has happened by a code. */
export function problem(
  code: ProblemCode, message: string, more: Partial<TokenProblem> = {},
): Error & TokenProblem {
  return Object.assign(new Error(message), { code }, more);
}

/** Gives a token each time that it is called, or throws a problem. */
export function tokens(options: WebRtcClientOptions, address: Address): () => Promise<string> {
  const { getToken } = options;
  return async () => tidy(await (getToken ? called(getToken) : sessionToken(address, options)));
}

/** What the page's own function gives in time: what comes later is of no use any more. */
async function called(getToken: () => string | Promise<string>): Promise<unknown> {
  try {
    return await within(PATIENCE_MS, getToken());
  } catch (err) {
    const code = 'token_unavailable';
    throw problem(code, explain(code, (err as Error | undefined)?.message ?? String(err)), { err });
  }
}

/** A token without the space around it. @throws a problem for what is none. */
export function tidy(token: unknown): string {
  const text = typeof token === 'string' ? token.trim() : '';
  if (/^(?![<{["])[!-~]+$/.test(text)) return text;
  throw token
    ? problem('token_malformed', `Instead of a token came ${what(text) || typeof token}`)
    : problem('token_unavailable', 'No token came, or not in 10 seconds');
}

/** What a text is that should be another; never what stands in it. */
function what(text: string): string {
  return /^<(!doc|html)/i.test(text) ? 'an HTML page' : /^[{[]/.test(text) ? 'JSON'
    : text && 'a text';
}

/** Whether it is an access token of ours, by its header; it need not be a good one. */
export function isOwn(token: string): boolean {
  try {
    // What `-` and `_` stand for in base64url is in no `typ` of ours.
    const head = atob(token.split('.')[0]!.replace(/[-_]/g, 'A'));
    return /"typ"\s*:\s*"(application\/)?at\+jwt"/i.test(head);
  } catch {
    return false;
  }
}

/**
 * Asks the session of this browser for an access token (docs/backend.md §5): one of this client's,
 * where it is named, since pages of several may share an origin and so its cookie.
 */
async function sessionToken(
  address: Address, { sessionId, clientId }: WebRtcClientOptions,
): Promise<string> {
  const reply = await post(address.route('/session/token'), 'include', {
    // Rooms are separated by spaces there; one with a space in its name cannot be asked for alone.
    rooms: /\s/.test(sessionId) ? undefined : sessionId, client_id: clientId,
  });
  const code = 'unreachable';
  if (!reply) throw problem(code, explain(code, 'is this origin registered?'));
  const { status, text, said, leastMs } = reply;
  if (status < 300) return said.access_token ?? text;
  throw problem(
    status === 403 && said.error || 'token_unavailable',
    `${status === 401 ? 'There is no session: sign in, or give getToken'
      : 'The session gives no token for this room'
    } (${said.error_description ?? `${what(text) || 'nothing'}, status ${status}`})`,
    { final: status < 405, leastMs });
}
