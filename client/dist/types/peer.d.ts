import { Create } from './configuration.js';
import { Kind } from './media-ask.js';
import type { Emit, PeerInfo, WebRtcClientEvents } from './types.js';
/** Somebody in the room: the connection id is the server's word, all else a claim. */
export interface Person {
    connectionId: string;
    peerId: string;
    name: string | null;
    /** Whether we give way to it when both make an offer at once. */
    polite: boolean;
}
/** What peers say to each other through the server, of a connection between them. */
export interface PeerMessage {
    type: string;
    offer?: RTCSessionDescriptionInit;
    answer?: RTCSessionDescriptionInit;
    ice?: RTCIceCandidateInit | null;
    /** Names the connection between two pages; classic clients do not know of it. */
    link?: string;
    /** Of an offer that changes a connection which stands. */
    again?: boolean;
}
/** What the connections need of the client. */
export interface Host {
    readonly roomId: string;
    emit: Emit;
    /** Through the server. */
    tell(connectionId: string, payload: Record<string, unknown>): void;
    /** This page's own, where it is known: in v1. */
    connectionId(): string | undefined;
    create: Create;
    configuration(): RTCConfiguration;
    stream(): MediaStream | undefined;
    /** A shared screen's, which is sent beside the stream's own tracks. */
    sound(): MediaStreamTrack | undefined;
    /** Kinds that we want to receive though we may send none. */
    receive: readonly Kind[];
}
/** One other page: its RTCPeerConnection, and perfect negotiation over it (W3C WebRTC §10.7). */
export declare class Peer {
    #private;
    link: string | undefined;
    private readonly onClaim;
    readonly connection: RTCPeerConnection;
    readonly info: PeerInfo;
    polite: boolean;
    /** Whether an offer or answer of the other page has been applied. */
    hasHeard: boolean;
    /** Runs while its page was not seen since the room was entered anew. */
    orphaned: ReturnType<typeof setTimeout> | undefined;
    /** The connection id that the other page says over the connection to be its own. */
    claim: string | undefined;
    /** Whether the browser has taken it all. */
    readonly send: (data: import("./sending.js").Data) => Promise<boolean>;
    readonly stats: () => Promise<import("./types.js").PeerStats>;
    /**
     * @param link The connection's name, which both pages know; undefined for a classic client.
     * @param onState Its state has changed.
     * @param onClaim The other page has said who it is.
     */
    constructor(host: Host, { connectionId, peerId, name, polite }: Person, link: string | undefined, isOfferer: boolean, onState: () => void, onClaim: () => void);
    /** Tells the application of something that concerns this peer. */
    emit<Name extends keyof WebRtcClientEvents>(type: Name, more: Omit<WebRtcClientEvents[Name], 'connectionId' | 'peerId'>): void;
    /** Whether our own first offer is under way and nothing was heard yet. */
    get isOffering(): boolean;
    /** Whether an offer comes from the page that is at the other end already. */
    isOfSamePage(offer: RTCSessionDescriptionInit | undefined): boolean;
    /** Says to the other page alone who we are: nobody else has the keys of this connection. */
    announce(connectionId: string): void;
    /** Its page is back in the room, under another connection id: what was said between is lost. */
    goOn(): void;
    /** Takes a message of the other page. One after another, since each may wait. */
    take({ type, offer, answer, ice }: PeerMessage): void;
    configure(servers: RTCIceServer[]): void;
    /** @throws TypeError for what cannot be sent. */
    check(data: unknown): void;
    /** Sends these tracks and no others from now on, without a new offer where that can be. */
    sendStream(stream: MediaStream): Promise<void>;
    close(): void;
}
/** Of the certificate, which each RTCPeerConnection makes anew. */
export declare function fingerprint(description: RTCSessionDescriptionInit | null | undefined): string | undefined;
