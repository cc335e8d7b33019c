import type { ClientState, Dialect, EventName, Listener, PeerInfo, PeerStats, WebRtcClientOptions } from './types';
declare type Json = Record<string, unknown>;
declare type Data = string | ArrayBuffer | ArrayBufferView | Blob;
declare type Kind = 'audio' | 'video';
/**
 * A page in a room: connects to the signalling server, and to every other page in the room.
 *
 * It begins by itself once the code that made it has run, so add listeners at once.
 */
export declare class WebRtcClient {
    private readonly options;
    /** By which other pages know this one. */
    readonly id: string;
    readonly roomId: string;
    /** RTCPeerConnections by connection id, and by peer id. */
    readonly peerConnections: Record<string, RTCPeerConnection>;
    /** What is known of each peer, by connection id, and by peer id. */
    readonly peerInfo: Record<string, PeerInfo>;
    /** The server's name for this page's connection; undefined until it is connected with v1. */
    connectionId: string | undefined;
    /** undefined until a connection stands. */
    dialect: Dialect | undefined;
    private readonly emitter;
    private readonly socket;
    private readonly mesh;
    private readonly media;
    private readonly ice;
    private readonly store;
    private readonly meters;
    private isResumedPage;
    /** @throws TypeError for an option that cannot be right, by its name. */
    constructor(options: WebRtcClientOptions);
    private start;
    private isClosed;
    get state(): ClientState;
    /** What is sent: camera or screen, and microphone; undefined while there is nothing. */
    get localStream(): MediaStream | undefined;
    get isSharing(): boolean;
    addEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void;
    removeEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void;
    private emit;
    /**
     * Sends to one peer over its data channel.
     *
     * @param peerId Peer id or connection id.
     * @returns false where there is no open channel to it, or too much waits already.
     */
    send(peerId: string, data: Data): boolean;
    /** Sends to every peer. @returns to how many. */
    broadcast(data: Data): number;
    private sendTo;
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
    /** Sends a screen in place of the camera. Rejects where the user does not want to. */
    shareScreen(stream?: MediaStream): Promise<MediaStream>;
    stopScreenShare(): void;
    /** Uses these devices from now on; `null` gives one up. Rejects as `getUserMedia` does. */
    setDevices(ids: {
        audioDeviceId?: string | null;
        videoDeviceId?: string | null;
    }): Promise<void>;
    /** Sends another stream's tracks from now on. */
    setStream(stream: MediaStream): void;
    private onStream;
    /** Figures about the connection with a peer; undefined where there is none. */
    stats(peerId: string): Promise<PeerStats | undefined>;
    /** Looks for another path to one peer, or to all. */
    restartIce(peerId?: string): void;
    /** Leaves for good. What the client opened is closed; no event comes after. */
    close(): void;
    private end;
    /** Either the page comes back and goes on, or the others are told at once that it is gone. */
    private readonly onPageHide;
    private join;
    private onEvent;
    private onRoomState;
    private socketDelegate;
    private meshDelegate;
    private lose;
}
export {};
