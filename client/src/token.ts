import type { Address } from './address.js';
import type { Failure } from './codes.js';
import { post } from './request.js';
import { within } from './within.js';
import type { WebRtcClientOptions } from './types.js';

/** How long `getToken` may take. */
const PATIENCE_MS = 10_000;

/** So that what is thrown is one. */
const fail = (failure: Failure): Failure => failure;

/** Gives a token each time that it is called, or throws a `Failure`. */
export function tokens(options: WebRtcClientOptions, address: Address): () => Promise<string> {
  const { getToken } = options;
  return async () => tidy(await (getToken ? called(getToken) : sessionToken(address, options)));
}

/** What the page's own function gives in time: what comes later is of no use any more. */
async function called(getToken: () => string | Promise<string>): Promise<unknown> {
  try {
    return await within(PATIENCE_MS, getToken());
  } catch (err) {
    throw fail({
      code: 'token_unavailable', said: (err as Error | undefined)?.message ?? String(err), err,
    });
  }
}

/** A token without the space around it. @throws a Failure for what is none. */
export function tidy(token: unknown): string {
  const text = typeof token === 'string' ? token.trim() : '';
  if (/^(?![<{["])[!-~]+$/.test(text)) return text;
  throw token
    ? fail({
      code: 'token_malformed', message: `Instead of a token came ${what(text) || typeof token}`,
    })
    : fail({ code: 'token_unavailable', message: 'No token came, or not in 10 seconds' });
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
    return /at\+jwt"/i.test(head);
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
  if (!reply) throw fail({ code: 'unreachable', said: 'is this origin registered?' });
  const { status, text, said, leastMs } = reply;
  if (status < 300) return said.access_token ?? text;
  throw fail({
    code: status === 403 && said.error || 'token_unavailable',
    message: `${status === 401 ? 'There is no session: sign in, or give getToken'
      : 'The session gives no token for this room'
    } (${said.error_description ?? `${what(text) || 'nothing'}, status ${status}`})`,
    final: status < 405, leastMs,
  });
}
