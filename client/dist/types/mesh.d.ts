import { Host, Peer, Person } from './peer.js';
import type { PeerInfo } from './types.js';
declare type Payload = Record<string, unknown>;
/** How long a connection outlives its place in the room, while its page may come back. */
export declare const ORPHAN_MS = 60000;
/** How long we wait for the answer whether a newcomer is somebody that we know. */
export declare const CHECK_MS = 5000;
/**
 * The connections with all others in the room; they outlive the socket. What another page says is
 * taken by whose connection it names, its `link`, which both pages know and nobody else.
 */
export declare class Mesh {
    #private;
    /** By connection id, for the application; by peer id as well, where that is nobody's else. */
    readonly peerConnections: Record<string, RTCPeerConnection>;
    readonly peerInfo: Record<string, PeerInfo>;
    /** Oldest first; with those whose pages are on their way back. Replaced when it changes. */
    all: readonly Peer[];
    constructor(host: Host);
    /** By connection id, or else the oldest of those who claim this peer id. */
    find(id: string): Peer | undefined;
    /** Somebody came after us: the first offer is ours, unless it is somebody whom we know. */
    welcome(joined: Omit<Person, 'polite'>): void;
    /**
     * Somebody was there before us, and makes the first offer; unless we `begin`: after a reload
     * nobody was told that our connections are gone.
     */
    meet(person: Person, begins: boolean): void;
    leave(connectionId: string): void;
    /** The room is entered anew: others may come back too, under other connection ids. */
    uproot(): void;
    /** Takes a payload of another page; false where it is none of the mesh's. */
    take(type: string, data: Payload): boolean;
    close(): void;
}
export {};
