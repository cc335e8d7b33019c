import { Device, Keeper } from './device.js';
import { Kind } from './media-ask.js';
import type { Emit, WebRtcClientOptions } from './types.js';
/** Camera, microphone and screen of this page: one stream, whose tracks change. */
export declare class LocalMedia implements Keeper {
    #private;
    readonly emit: Emit;
    /** undefined until there is something to send. */
    stream: MediaStream | undefined;
    /** A shared screen's, which is sent beside the stream's own tracks. */
    sound: MediaStreamTrack | undefined;
    readonly own: Set<MediaStreamTrack>;
    constructor(options: WebRtcClientOptions, emit: Emit, play: (el: HTMLMediaElement) => void);
    get isSharing(): boolean;
    /** Asks for what the options say. Resolves with the answer, and after `waitMs` at the latest. */
    open(waitMs: number): Promise<void>;
    /** @returns what went wrong, where something did. */
    acquire(devices: Device[], isQuiet?: boolean): Promise<unknown>;
    /** Brings the stream to what is to be sent now, and stops what we need no more. */
    sync(): void;
    /** @returns whether the camera or microphone is on now. */
    enable(kind: Kind, on: boolean): Promise<boolean>;
    /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
    shareScreen(given?: MediaStream): Promise<MediaStream>;
    stopSharing(): void;
    /** Uses these devices; `null` gives one up, what is left out stays. */
    setDevices(ids: {
        audioDeviceId?: string | null;
        videoDeviceId?: string | null;
    }): Promise<void>;
    /** Sends another stream's tracks, which stay the application's. */
    setStream(stream: MediaStream): void;
    /** @returns whether any track of these kinds is on now. */
    toggle(kinds: readonly Kind[], enabled?: boolean): boolean;
    close(): void;
}
