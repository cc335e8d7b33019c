import type { VideoOptions } from './types';
export interface MediaDelegate {
    onStream(): void;
    onNoMedia(err: unknown): void;
    onScreenShareEnded(): void;
}
/** Camera, microphone and screen of this page: one stream, whose tracks change. */
export declare class LocalMedia {
    private readonly options;
    private readonly delegate;
    /** nil until there is something to send. */
    stream: MediaStream | undefined;
    private camera;
    private screen;
    private readonly isOwn;
    private isClosed;
    private audio;
    private video;
    constructor(options: VideoOptions | undefined, stream: MediaStream | undefined, delegate: MediaDelegate);
    get isSharing(): boolean;
    private adopt;
    /** Asks for what the options say. */
    open(): Promise<void>;
    /** Everything, or the microphone alone, or the camera alone. */
    private ask;
    private show;
    /** Puts a track in the place of that of its kind; the old one is not stopped. */
    private put;
    shareScreen(given?: MediaStream): Promise<MediaStream>;
    stopSharing(): void;
    /** Uses these devices; `null` gives one up, what is left out stays. */
    setDevices(ids: {
        audioDeviceId?: string | null;
        videoDeviceId?: string | null;
    }): Promise<void>;
    private choose;
    /** Sends another stream's tracks. */
    setStream(stream: MediaStream): void;
    /** A device that is pulled out ends its track; the default one takes its place. */
    private readonly onDeviceChange;
    private replace;
    /** @returns whether any track of these kinds is on now. */
    toggle(kinds: ('audio' | 'video')[], enabled?: boolean): boolean;
    close(): void;
}
