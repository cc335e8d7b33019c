import { Emitter } from './emitter.js';
import { Kind } from './media-ask.js';
import { Data } from './sending.js';
import type { ClientState, Dialect, PeerInfo, PeerStats, WebRtcClientOptions } from './types.js';
declare type Json = Record<string, unknown>;
/**
 * A page in a room: connects to the signalling server, and to every other page in the room.
 *
 * It begins by itself once the code that made it has run, so add listeners at once.
 */
export declare class WebRtcClient extends Emitter {
    #private;
    /** By which other pages know this one. */
    readonly id: string;
    readonly roomId: string;
    /** RTCPeerConnections by connection id, and by peer id where no other has it. */
    readonly peerConnections: Record<string, RTCPeerConnection>;
    /** What is known of each peer, by connection id, and by peer id where no other has it. */
    readonly peerInfo: Record<string, PeerInfo>;
    /** The server's name for this page's connection; undefined until it is connected with v1. */
    connectionId: string | undefined;
    /** undefined until a connection stands. */
    dialect: Dialect | undefined;
    /**
     * Until the client is in its room for the first time. Rejects with an Error that has `code` where
     * it gives up before, or is closed.
     */
    readonly ready: Promise<void>;
    /** @throws TypeError for an option that cannot be right, by its name, and without WebRTC. */
    constructor(options: WebRtcClientOptions);
    get state(): ClientState;
    /** What is sent: camera or screen, and microphone; undefined while there is nothing. */
    get localStream(): MediaStream | undefined;
    get isSharing(): boolean;
    /**
     * Sends to one peer over its data channel, in order. Whoever sends much waits for each promise,
     * so that no memory fills: it comes when at most 1 MiB was waiting in the browser.
     *
     * @param peerId Connection id or peer id.
     * @returns whether the browser has taken it all; false where there is no open channel to it.
     * @throws TypeError for what cannot be sent to it: too long, or neither text nor bytes.
     */
    send(peerId: string, data: Data): Promise<boolean>;
    /**
     * Sends to every peer, as `send` does to one.
     *
     * @returns to how many.
     * @throws TypeError for what cannot be sent to each: then nobody gets it.
     */
    broadcast(data: Data): Promise<number>;
    /** Sends a payload of your own through the server, where no data channel stands yet. */
    signal(peerId: string, payload: Json & {
        type?: string;
    }): void;
    /**
     * Turns own tracks on and off: all of them, or those of one kind; without a value, the other way.
     *
     * @returns whether they are on now.
     */
    toggleTracks(kind?: Kind | {
        audio?: boolean;
        video?: boolean;
    }, enabled?: boolean): boolean;
    /** Off lets go of the client's own camera; of an application's it disables the track. */
    setCameraEnabled(on: boolean): Promise<boolean>;
    /** Off mutes it. @returns whether it is on now; `mediaProblem` says why it is not. */
    setMicrophoneEnabled(on: boolean): Promise<boolean>;
    /** Plays a peer's stream in any element; `null` ends it. @returns whether it plays. */
    attach(el: HTMLMediaElement, stream: MediaStream | null): Promise<boolean>;
    /** Plays what the browser has blocked; to be called in a click or key press. */
    startAudio(): Promise<boolean>;
    /** Sends a screen in place of the camera, and its sound. Rejects where the user refuses. */
    shareScreen(stream?: MediaStream): Promise<MediaStream>;
    stopScreenShare(): void;
    /** Uses these devices from now on; `null` gives one up. Rejects as `getUserMedia` does. */
    setDevices(ids: {
        audioDeviceId?: string | null;
        videoDeviceId?: string | null;
    }): Promise<void>;
    /** Sends another stream's tracks from now on. */
    setStream(stream: MediaStream): void;
    /** Figures about the connection with a peer; undefined where there is none. */
    stats(peerId: string): Promise<PeerStats | undefined>;
    /** Looks for another path to one peer, or to all. */
    restartIce(peerId?: string): void;
    /** Leaves for good. What the client opened is closed; no event comes after. */
    close(): void;
}
export {};
