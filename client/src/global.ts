// The classic script: `WebRtcClient` is the class itself.
import { WebRtcClient } from './client.js';

(globalThis as unknown as Record<string, unknown>).WebRtcClient = WebRtcClient;
