import type { Address } from './address.js';
import { post } from './request.js';
import type { Answer } from './socket-types.js';

/**
 * Asks what the server says of a handshake, which browsers hide where it failed.
 *
 * @returns undefined where no server of ours answered.
 */
export async function check(
  address: Address, form: { token: string; client?: string; room: string },
): Promise<Answer | undefined> {
  const reply = await post(address.route('/signal/check'), 'omit', form);
  if (!reply) return undefined;
  const { status, said: { error, error_description: description }, leastMs } = reply;
  if (status < 300) {
    return { description: 'it answers: does a proxy pass WebSockets?' };
  }
  // An older server of ours takes it for a handshake; whatever stands between has other words.
  return [404, 405, 426].includes(status) || !/^[a-z_]{1,64}$/.test(error ?? '') ? undefined
    : { error, description, leastMs };
}
