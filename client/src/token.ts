import type { Address } from './address';

/** No token is to be had, whoever asks again. */
export class FinalTokenError extends Error {}

/**
 * Asks the session of this browser for an access token (docs/backend.md §5): one of this client's,
 * where it is named, since pages of several may share an origin and so its cookie.
 */
export function sessionToken(
  address: Address, room: string, clientId: string | undefined,
): () => Promise<string> {
  return async () => {
    const form = new URLSearchParams();
    // Rooms are separated by spaces there; one with a space in its name cannot be asked for alone.
    if (!/\s/.test(room)) form.set('rooms', room);
    if (clientId !== undefined) form.set('client_id', clientId);
    const answer = await fetch(address.route('/session/token'), {
      method: 'POST', body: form, credentials: 'include', cache: 'no-store',
    });
    if (answer.ok) return ((await answer.json()) as { access_token: string }).access_token;
    const body = (await answer.json().catch(() => ({}))) as { error_description?: string };
    const why = body.error_description ?? `status ${answer.status}`;
    if (answer.status === 401) {
      throw new FinalTokenError(`There is no session: sign in, or give getToken (${why})`);
    }
    if (answer.status === 403 || answer.status === 400 || answer.status === 404) {
      throw new FinalTokenError(`The session gives no token for this room: ${why}`);
    }
    throw new Error(`No token could be had: ${why}`);
  };
}
