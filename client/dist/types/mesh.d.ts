import { Person } from './links.js';
import { Peer, PeerDelegate } from './peer.js';
import type { PeerInfo } from './types.js';
export interface MeshDelegate extends PeerDelegate {
    /** This page's own, where it is known. */
    connectionId(): string | undefined;
    configuration(): RTCConfiguration;
    stream(): MediaStream | undefined;
    receive(): ('audio' | 'video')[];
    tell(connectionId: string, payload: Record<string, unknown>): void;
    /** The number of peers has changed, or a peer goes on under another connection id. */
    onCount(peer: Peer): void;
}
declare type Payload = Record<string, unknown>;
/**
 * The connections with all others in the room. They outlive the socket: what is to be done when
 * somebody comes, goes or says something is decided in links.ts, and carried out here.
 */
export declare class Mesh {
    private readonly delegate;
    /** By connection id, for the application; by peer id as well, where that is nobody's else. */
    readonly peerConnections: Record<string, RTCPeerConnection>;
    readonly peerInfo: Record<string, PeerInfo>;
    private readonly peers;
    private readonly timers;
    private readonly peerDelegate;
    private state;
    private isClosed;
    constructor(delegate: MeshDelegate);
    /** Oldest first; with those whose pages are on their way back. */
    get all(): Peer[];
    /** Oldest first, and last those whose pages are not in the room: all, or the broken ones. */
    private sorted;
    /** By connection id, or else the oldest of those who claim this peer id. */
    find(id: string): Peer | undefined;
    /** Somebody came after us. */
    welcome({ connectionId, peerId, name }: Omit<Person, 'polite'>): void;
    /**
     * Somebody was there before us, and makes the first offer; unless we `begin`: after a reload
     * nobody was told that our connections are gone.
     */
    meet({ connectionId, peerId, name, polite }: Person, begins: boolean): void;
    leave(connectionId: string): void;
    /** The room is entered anew: who is not there yet may come back. */
    uproot(): void;
    remove(peer: Peer): void;
    /** Takes a payload of another page; false where it is none of the mesh's. */
    take(type: string, data: Payload): boolean;
    private dispatch;
    private carryOut;
    private begin;
    private move;
    private end;
    private wait;
    private unwait;
    /** Connection ids go before peer ids, and who had a peer id first keeps it. */
    private list;
    close(): void;
}
export {};
