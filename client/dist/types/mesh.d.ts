import { Peer, PeerDelegate } from './peer';
import type { PeerInfo } from './types';
export interface Member {
    connectionId: string;
    peerId: string;
    name: string | null;
}
export interface MeshDelegate extends PeerDelegate {
    configuration(): RTCConfiguration;
    stream(): MediaStream | undefined;
    receive(): ('audio' | 'video')[];
    tell(connectionId: string, payload: Record<string, unknown>): void;
    /** The number of peers has changed. */
    onCount(peer: Peer): void;
}
/**
 * The connections with all others in the room. They outlive the socket: whoever comes back is known
 * by its peer id, and its connection goes on, unless its page was loaded anew and has lost it.
 */
export declare class Mesh {
    private readonly delegate;
    /** By connection id. */
    readonly peers: Map<string, Peer>;
    /** By connection id, for the application; found by peer id as well. */
    readonly peerConnections: Record<string, RTCPeerConnection>;
    readonly peerInfo: Record<string, PeerInfo>;
    /** Connections whose pages are not in the room at present, by peer id. */
    private readonly orphans;
    private readonly politeness;
    constructor(delegate: MeshDelegate);
    find(id: string): Peer | undefined;
    /** Somebody came after us: the first offer is ours. */
    welcome(member: Member): void;
    /** Somebody was there before us, and makes the first offer. */
    meet(member: Member, polite: boolean): void;
    /** After a reload nobody was told that our connections are gone: we begin them again. */
    meetAgain(member: Member, polite: boolean): void;
    /** A connection that works goes on under another connection id. */
    private adopt;
    leave(connectionId: string): void;
    /** The room is entered anew: who is not there yet may come back. */
    uproot(): void;
    private drop;
    private begin;
    remove(peer: Peer): void;
    private list;
    private unlist;
    private forget;
    private tell;
    /** Takes a payload of another page; false where it is none of the mesh's. */
    take(type: string, data: Record<string, unknown>): boolean;
    /** Classic clients answer without the link's name; from then on we know that they are such. */
    private isClassicAnswer;
    /** The other page has lost the connection: both begin again, the impolite side with an offer. */
    private renew;
    /** The first offer of a new connection. */
    private accept;
    close(): void;
}
