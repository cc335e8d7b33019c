import type { Address } from './address.js';
import { CODES, explain } from './codes.js';
import type { ProblemCode } from './types.js';

export type GetToken = () => string | Promise<string>;

/** No token, and by which code that is told. */
export class TokenError extends Error {
  constructor(readonly code: ProblemCode, message: string, readonly final?: boolean) {
    super(message);
  }
}

/** What `getToken` gives without the space around it. @throws TokenError for what is no token. */
export function tidy(token: unknown): string {
  const text = typeof token === 'string' ? token.trim() : '';
  if (/^[!-~]+$/.test(text) && !/^[<{["]/.test(text)) return text;
  if (!token) throw new TokenError('token_unavailable', 'getToken gave no token');
  throw new TokenError('token_malformed', `getToken gave ${what(text) || typeof token}, no token`);
}

/** What a text is that should be another; never what stands in it. */
function what(text: string): string {
  return /^\s*<(!doctype|html|head|body)/i.test(text) ? 'an HTML page'
    : /^\s*[{[]/.test(text) ? 'JSON' : text && 'a text';
}

/** Whether it is an access token of ours, by its header; it need not be a good one. */
export function isOwn(token: string): boolean {
  try {
    const [head = ''] = token.split('.');
    const { typ } = JSON.parse(atob(head.replace(/-/g, '+').replace(/_/g, '/')));
    return /^(application\/)?at\+jwt$/i.test(typ);
  } catch {
    return false;
  }
}

/**
 * Asks the session of this browser for an access token (docs/backend.md §5): one of this client's,
 * where it is named, since pages of several may share an origin and so its cookie.
 */
export function sessionToken(
  address: Address, room: string, clientId: string | undefined,
): GetToken {
  return async () => {
    const form = new URLSearchParams();
    // Rooms are separated by spaces there; one with a space in its name cannot be asked for alone.
    if (!/\s/.test(room)) form.set('rooms', room);
    if (clientId !== undefined) form.set('client_id', clientId);
    const answer = await fetch(address.route('/session/token'), {
      method: 'POST', body: form, credentials: 'include', cache: 'no-store',
    }).catch(() => {
      throw new TokenError(
        'unreachable', explain('unreachable', 'asked for a token; is this origin registered?'));
    });
    const { status } = answer;
    const text = await answer.text();
    const body = parse(text);
    if (answer.ok && body.access_token) return body.access_token;
    const code = body.error && CODES[body.error] && status === 403 ? body.error
      : answer.ok ? 'token_malformed' : 'token_unavailable';
    throw new TokenError(code, `${
      status === 401 ? 'There is no session: sign in, or give getToken'
        : 'The session gives no token for this room'
    } (${body.error_description ?? `${what(text) || 'nothing'}, status ${status}`})`,
    [400, 401, 403, 404].includes(status));
  };
}

function parse(text: string): Record<string, string | undefined> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
