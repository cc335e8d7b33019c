import { Kind } from './media-state.js';
import type { MediaProblem, VideoOptions } from './types.js';
export interface MediaDelegate {
    onStream(): void;
    onNoMedia(err: unknown): void;
    onProblem(problem: MediaProblem): void;
    onScreenShareEnded(): void;
    play(el: HTMLMediaElement): void;
}
/** A shared screen's sound, which is sent beside the stream's own tracks. */
export declare const soundOf: WeakMap<MediaStream, MediaStreamTrack>;
/** Camera, microphone and screen of this page: one stream, whose tracks change. */
export declare class LocalMedia {
    private readonly options;
    private readonly delegate;
    /** undefined until there is something to send. */
    stream: MediaStream | undefined;
    /** Of camera and microphone, or what the application gave in their place. */
    private readonly tracks;
    private readonly since;
    private readonly devices;
    private readonly wanted;
    /** Whether the next track of a kind is to be on, where there is none to take it from. */
    private readonly enabled;
    private readonly asking;
    /** Tracks that we have opened: these alone are ours to stop. */
    private readonly own;
    /** Tracks that are sent no more, from the next `sync` on. */
    private readonly leaving;
    private screen;
    private choosing;
    private isClosed;
    private timer;
    constructor(options: VideoOptions | undefined, stream: MediaStream | undefined, delegate: MediaDelegate);
    get isSharing(): boolean;
    /** Asks for what the options say. Resolves with the answer, and after `waitMs` at the latest. */
    open(waitMs: number): Promise<void>;
    private sleep;
    private dispatch;
    private run;
    private take;
    /** @returns what went wrong, where something did. */
    private acquire;
    private get;
    /** Permission withdrawn, a phone call, a device pulled out: the default one takes its place. */
    private readonly onEnded;
    private lose;
    /** Also when the page is looked at again: a phone call that is over changes no device. */
    private readonly onDeviceChange;
    /** Brings the stream to what is to be sent now, and stops what we need no more. */
    private sync;
    private dismiss;
    private show;
    /** @returns whether the camera or microphone is on now. */
    enable(kind: Kind, on: boolean): Promise<boolean>;
    /** A camera whose place nobody takes sends black first. */
    private darken;
    /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
    shareScreen(given?: MediaStream): Promise<MediaStream>;
    stopSharing(): void;
    private leaveScreen;
    /** Uses these devices; `null` gives one up, what is left out stays. */
    setDevices(ids: {
        audioDeviceId?: string | null;
        videoDeviceId?: string | null;
    }): Promise<void>;
    private choose;
    /** Many cameras, and phones above all, do not open one beside another. */
    private exchange;
    private goBack;
    /** Sends another stream's tracks, which stay the application's. */
    setStream(stream: MediaStream): void;
    private give;
    /** @returns whether any track of these kinds is on now. */
    toggle(kinds: Kind[], enabled?: boolean): boolean;
    close(): void;
    private discard;
}
