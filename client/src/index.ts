export { WebRtcClient } from './client';
export type {
  ClientEvent, ClientState, Dialect, EventName, LeaveReason, Listener, MediaProblem, PeerInfo,
  PeerStats, SocketClosed, SocketProblem, VideoOptions, WebRtcClientEvents, WebRtcClientOptions,
} from './types';
export { WebRtcClient as default } from './client';
