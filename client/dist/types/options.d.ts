import type { Globals, WebRtcClientOptions } from './types.js';
/** @throws TypeError that names the option at fault. */
export declare function checkOptions(options: WebRtcClientOptions): void;
/** @throws TypeError where there is no WebRTC, or no WebSocket, as in Node. */
export declare function checkPlatform(given: Globals | undefined): void;
