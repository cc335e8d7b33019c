import type { PeerStats } from './types.js';
/** Turns the browser's counters into figures for people. */
export declare class Meter {
    private last;
    read(connection: RTCPeerConnection): Promise<PeerStats>;
}
