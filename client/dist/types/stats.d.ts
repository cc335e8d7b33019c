import type { PeerStats } from './types.js';
/** Turns the browser's counters into figures for people; rates are since the last time. */
export declare function meter(connection: () => RTCPeerConnection): () => Promise<PeerStats>;
