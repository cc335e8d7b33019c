import type { Address } from './address.js';
import { post } from './request.js';
import type { Answer } from './socket-types.js';

/**
 * Asks what the server says of a handshake, which browsers hide where it failed: undefined where no
 * server of ours answered. And how long it is to be left alone.
 */
export async function check(
  address: Address, form: { token: string; client?: string; room: string },
): Promise<[answer?: Answer, leastMs?: number]> {
  const reply = await post(address.route('/signal/check'), 'omit', form);
  if (!reply) return [];
  const { status, said: { error, error_description: description }, leastMs } = reply;
  if (status < 300) return [{ description: 'does a proxy pass WebSockets?' }];
  // An older server of ours takes it for a handshake; whatever stands between has other words.
  const isOurs = ![404, 405, 426].includes(status) && /^[a-z_]+$/.test(error ?? '');
  return [isOurs ? { error, description } : undefined, leastMs];
}
