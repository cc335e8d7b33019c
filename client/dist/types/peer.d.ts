import { Data } from './sending.js';
import { Meter } from './stats.js';
import type { PeerInfo } from './types.js';
/** What peers say to each other through the server. */
export interface PeerMessage {
    type: 'offer' | 'answer' | 'ice_candidate' | 'usher.negotiation_failed';
    offer?: RTCSessionDescriptionInit;
    answer?: RTCSessionDescriptionInit;
    ice?: RTCIceCandidateInit | null;
    /** Names the connection between two pages; classic clients do not know of it. */
    link?: string;
    /** Of an offer that changes a connection which stands. */
    again?: boolean;
}
export interface PeerDelegate {
    /** What could not be done to begin a connection, or to change one. */
    onProblem(peer: {
        connectionId: string;
        peerId: string;
    }, err: unknown): void;
    say(peer: Peer, message: PeerMessage): void;
    onState(peer: Peer): void;
    onSendChannel(peer: Peer, channel: RTCDataChannel): void;
    onReceiveChannel(peer: Peer, channel: RTCDataChannel): void;
    onTrack(peer: Peer, event: RTCTrackEvent): void;
    onTrackRemoved(peer: Peer, track: MediaStreamTrack): void;
    onMessage(peer: Peer, data: string | ArrayBuffer): void;
}
export interface PeerSetup {
    key: number;
    connectionId: string;
    peerId: string;
    name: string | null;
    /** Whether we give way when both make an offer at once. */
    polite: boolean;
    /** undefined for a classic client. */
    link: string | undefined;
    configuration: RTCConfiguration;
    stream: MediaStream | undefined;
    /** Kinds that we want to receive though we may send none. */
    receive: ('audio' | 'video')[];
}
/** One other page: its RTCPeerConnection, and perfect negotiation over it (W3C WebRTC §10.7). */
export declare class Peer {
    private readonly delegate;
    readonly key: number;
    readonly connection: RTCPeerConnection;
    readonly info: PeerInfo;
    polite: boolean;
    link: string | undefined;
    /** Whether an offer or answer of the other page has been applied. */
    hasHeard: boolean;
    isClosed: boolean;
    private isMakingOffer;
    private isIgnoringOffer;
    private isSettingAnswer;
    private hasOffered;
    readonly meter: Meter;
    private readonly queue;
    private tracks;
    private readonly early;
    private last;
    /** Of a shared screen's sound. */
    private sound;
    private restartTimer;
    constructor(setup: PeerSetup, isOfferer: boolean, delegate: PeerDelegate);
    private get isClassic();
    becomeClassic(): void;
    private addTracks;
    private listen;
    private say;
    private report;
    private offer;
    /** Whether our own first offer is under way and nothing was heard yet. */
    get isOffering(): boolean;
    /** Whether an offer comes from the page that is at the other end already. */
    isOfSamePage(offer: RTCSessionDescriptionInit | undefined): boolean;
    /** Its page is back in the room, under another connection id: what was said between is lost. */
    goOn(): void;
    /** Takes a message of the other page. One after another, since each may wait. */
    take(message: PeerMessage): Promise<void>;
    private handle;
    private describe;
    private addCandidate;
    private onState;
    /** Looks for another path, and again until there is one or the peer is gone. */
    private restartLater;
    restartIce(): void;
    configure(iceServers: RTCIceServer[]): void;
    private openSendChannel;
    /** What is open towards the peer: our own channel, or else the one it has made. */
    get openChannel(): RTCDataChannel | undefined;
    /** @throws TypeError for what cannot be sent. */
    check(data: unknown): void;
    /** Whether the browser has taken it all. */
    sendData(data: Data): Promise<boolean>;
    private receive;
    private onTrack;
    /** Sends these tracks and no others from now on, without a new offer where that can be. */
    send(stream: MediaStream): Promise<void>;
    private sendTracks;
    private transceiver;
    /** A shared screen's sound, beside the microphone's. Classic clients take no further offer. */
    private sendSound;
    close(): void;
}
