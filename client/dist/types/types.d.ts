/** Which of the two signalling dialects is spoken; see docs/protocol.md. */
export declare type Dialect = 'v1' | 'classic';
/** Camera and microphone of this page. */
export interface VideoOptions {
    /** Shows the own picture, without sound. */
    el?: HTMLVideoElement | null;
    /** Whether to ask for a microphone. Default: false. */
    audio?: boolean | MediaTrackConstraints;
    /** Whether to ask for a camera. Default: false. */
    video?: boolean | MediaTrackConstraints;
}
/** What a platform gives that is not a browser's, in place of the globals of these names. */
export interface Globals {
    RTCPeerConnection?: typeof RTCPeerConnection;
    /** For camera, microphone and screen. */
    mediaDevices?: MediaDevices;
    /** For these too: what is sent goes by a stream of the client's own. */
    MediaStream?: typeof MediaStream;
    WebSocket?: typeof WebSocket;
}
export interface WebRtcClientOptions {
    /** The room: 1 to 256 bytes of UTF-8. */
    sessionId: string;
    /** Shown to people: up to 256 bytes of UTF-8. A name in the token goes before it. */
    name?: string;
    /** The client id of the application; must be the token's where it is given. */
    clientId?: string;
    /**
     * Gives an access token, each time one is needed. Default: asks `POST /session/token` of the
     * signalling server, with the session cookie.
     */
    getToken?: () => string | Promise<string>;
    /** Asks for camera and microphone; without it (and `stream`) the page sends no media. */
    video?: VideoOptions;
    /**
     * A `ws:`, `wss:`, `http:` or `https:` URL, or a path of the page's own origin. Default:
     * `/signal`. The service's other routes are looked for below its path, without a last `/signal`.
     */
    signallingServer?: string;
    /** By which other pages know this one: 1 to 256 bytes. Default: a random UUID. */
    id?: string;
    /** Sent in place of what `video` would ask for. The caller keeps it: `close` stops none of it. */
    stream?: MediaStream;
    /**
     * So many milliseconds the room waits for the user's answer to the browser's prompt; camera and
     * microphone that come later are added to the calls. Default: 5000.
     */
    joinWithoutMediaAfterMs?: number;
    /** In front of those that the server tells of. */
    iceServers?: RTCIceServer[];
    /** `relay` lets media go through TURN servers alone. */
    iceTransportPolicy?: RTCIceTransportPolicy;
    /**
     * Keeps session and id over a reload of the page, in `sessionStorage`: under the room's name, or
     * the one given. Default: false.
     */
    keepSession?: boolean | string;
    /**
     * Default `v1`. `auto` finds out whether the server speaks that or the classic dialect, for
     * which a token of Usher's own is never put into a URL; that takes `classic`.
     */
    dialect?: Dialect | 'auto';
    /** For React Native and Node: WebRTC and WebSocket, where they are not global. */
    globals?: Globals;
}
export declare type ClientState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed';
export declare type LeaveReason = 'left' | 'closed' | 'lost' | 'replaced' | 'kicked';
/** What is known of a peer. */
export interface PeerInfo {
    connectionId: string;
    peerId: string;
    name: string | null;
    /** Of its RTCPeerConnection. */
    state: RTCPeerConnectionState;
    /** Ours to it. */
    sendChannel: RTCDataChannel | null;
    /** Its own to us. */
    receiveChannel: RTCDataChannel | null;
    /** What it sends. */
    streams: MediaStream[];
}
/** Figures about the connection with a peer; rates are since the last time they were asked for. */
export interface PeerStats {
    rttMs?: number;
    bitrateInKbps?: number;
    bitrateOutKbps?: number;
    packetsReceived?: number;
    packetsLost?: number;
    /** Share of packets lost lately, 0 to 1. */
    lossRatio?: number;
    jitterMs?: number;
    /** Whether a TURN server stands between. */
    relayed: boolean;
    quality: 'good' | 'fair' | 'poor' | 'unknown';
}
export interface SocketClosed {
    code: number;
    reason: string;
    willReconnect: boolean;
}
/** What went wrong; docs/client.md says what each means. Beside these, the server's own words. */
export declare type ProblemCode = 'invalid_token' | 'insufficient_scope' | 'origin_not_allowed' | 'client_mismatch' | 'too_many_connections' | 'temporarily_unavailable' | 'room_forbidden' | 'room_full' | 'too_many_rooms' | 'peer_id_taken' | 'token_unavailable' | 'token_malformed' | 'unreachable' | 'blocked_by_page' | 'kicked' | 'replaced' | 'server_restarting' | 'protocol_error' | 'closed' | (string & Record<never, never>);
export interface SocketProblem {
    code: ProblemCode;
    /** For people, with what to do next where that is known; never with a token in it. */
    message: string;
    /** Whether the client has given up. */
    final: boolean;
    /** With which the server closed the connection, where it did, and what it said with it. */
    closeCode?: number;
    reason?: string;
    /** What was thrown, where something was. */
    err?: unknown;
}
export interface MediaProblem {
    /** Of the microphone, or of the camera. */
    device: 'audio' | 'video';
    /** What the browser threw, or an Error that says how the track ended. */
    err: unknown;
    /** Whether another is asked for in its place. */
    willReplace: boolean;
}
/** Each event's `detail`. */
export interface WebRtcClientEvents {
    /** This page is in the room, and nobody else is. */
    first_to_join: {
        roomId: string;
    };
    /** Somebody came into the room; this page makes the offer. */
    someone_joined: {
        connectionId: string;
        peerId: string;
        offererId: string;
        name: string | null;
        ownId: string | null;
        sdp: unknown;
    };
    someone_left: {
        connectionId: string;
        peerId: string;
        roomId: string;
        reason: LeaveReason | 'connection';
    };
    /** In the room, from now on: who was there before. v1 alone. */
    room_state: {
        roomId: string;
        members: {
            connectionId: string;
            peerId: string;
            name: string | null;
        }[];
    };
    socketOpen: {
        dialect: Dialect;
    };
    socketClosed: SocketClosed;
    socketError: SocketProblem;
    reconnecting: {
        attempt: number;
        delayMs: number;
    };
    /** The session goes on where it was. */
    resumed: {
        connectionId: string;
    };
    /** The state of a peer, or the number of peers, has changed. */
    peerConnectionStateChange: {
        connectionId: string;
        peerId: string;
        state: RTCPeerConnectionState;
    };
    /** There is neither camera nor microphone to be had. */
    noMedia: {
        err: unknown;
    };
    /**
     * Something could not be done to begin a connection or to change one; others are not affected.
     * An ICE server that the browser refuses is left out, and told in this way too.
     */
    negotiationFailed: {
        connectionId: string;
        peerId: string;
        err: unknown;
    };
    /** A camera or microphone cannot be had, or has ended by itself. */
    mediaProblem: MediaProblem;
    /** The browser plays others only after a click or key press: `startAudio` begins then. */
    audioPlaybackBlocked: Record<string, never>;
    sendChannelOpen: {
        peerId: string;
        connectionId: string;
        sendChannel: RTCDataChannel;
    };
    receiveChannelOpen: {
        peerId: string;
        connectionId: string;
        receiveChannel: RTCDataChannel;
    };
    trackAdded: {
        event: RTCTrackEvent;
        connectionId: string;
        peerId: string;
    };
    trackRemoved: {
        track: MediaStreamTrack;
        connectionId: string;
        peerId: string;
    };
    /** Came over the peer's data channel. */
    message: {
        peerId: string;
        connectionId: string;
        data: string | ArrayBuffer;
    };
    /** A payload of the application's own, which came through the server. */
    signal: {
        connectionId: string;
        type: string;
        payload: Record<string, unknown>;
    };
    /** Camera, microphone or screen have changed. */
    localStream: {
        stream: MediaStream;
        sharing: boolean;
    };
    /** A tab is shown no more because its user or browser ended it. */
    screenShareEnded: Record<string, never>;
}
export declare type EventName = keyof WebRtcClientEvents;
export interface ClientEvent<Name extends EventName> {
    type: Name;
    detail: WebRtcClientEvents[Name];
}
export declare type Listener<Name extends EventName> = (event: ClientEvent<Name>) => void;
export declare type Emit = <Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]) => void;
