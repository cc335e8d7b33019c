import type { Address } from './address.js';
import type { Welcome } from './socket-types.js';
export interface IceServers {
    servers(): RTCIceServer[];
    learn(welcome: Welcome): void;
    close(): void;
}
/**
 * The STUN and TURN servers, with credentials that are renewed before they end.
 *
 * @param own Those of the page, in front of the server's.
 */
export declare function iceServers(address: Address, getToken: () => Promise<string>, own: RTCIceServer[], onChange: (servers: RTCIceServer[]) => void): IceServers;
