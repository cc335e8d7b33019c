export { WebRtcClient } from './client.js';
export type { ClientEvent, ClientState, Dialect, EventName, LeaveReason, Listener, MediaProblem, PeerInfo, PeerStats, SocketClosed, SocketProblem, VideoOptions, WebRtcClientEvents, WebRtcClientOptions, } from './types.js';
export { WebRtcClient as default } from './client.js';
