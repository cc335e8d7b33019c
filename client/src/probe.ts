import type { Address } from './address.js';
import type { Answer } from './socket-types.js';

/** How long an answer may take. */
const PATIENCE_MS = 5_000;

/**
 * Asks what the server says of a handshake, which browsers hide where it failed.
 *
 * @returns undefined where no server of ours answered.
 */
export async function check(
  address: Address, form: { token: string; client?: string; room: string },
): Promise<Answer | undefined> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(form)) if (value) body.set(name, value);
    const answer = await fetch(address.route('/signal/check'), {
      method: 'POST', body, credentials: 'omit', cache: 'no-store', signal: stop.signal,
    });
    const { status } = answer;
    const said = status === 204 ? {} : await answer.json();
    // An older server of ours takes it for a handshake; whatever stands between has other words.
    if (status < 300) return {};
    return [404, 405, 426].includes(status) || !/^[a-z_]{1,64}$/.test(said.error) ? undefined
      : { error: said.error, description: said.error_description };
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
