import type { Address } from './address.js';
import type { Answer } from './socket-types.js';
/**
 * Asks what the server says of a handshake, which browsers hide where it failed: undefined where no
 * server of ours answered. And how long it is to be left alone.
 */
export declare function check(address: Address, form: {
    token: string;
    client?: string;
    room: string;
}): Promise<[answer?: Answer, leastMs?: number]>;
