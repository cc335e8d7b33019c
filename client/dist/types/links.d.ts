/** Somebody in the room: the connection id is the server's word, all else a claim. */
export interface Person {
    connectionId: string;
    peerId: string;
    name: string | null;
    /** Whether we give way to it when both make an offer at once. */
    polite: boolean;
}
/** A connection between two pages. */
export interface Link {
    key: number;
    person: Person;
    /** Its name, which both pages know and nobody else; undefined for a classic client. */
    name: string | undefined;
    status: RTCPeerConnectionState;
    /** Whether its page was not seen since the room was entered anew. */
    isOrphan: boolean;
}
export interface MeshState {
    /** By connection id, as the server has told. */
    readonly people: ReadonlyMap<string, Person>;
    readonly links: ReadonlyMap<number, Link>;
    /** Connection ids of those who were asked whether they are somebody that we know. */
    readonly checking: ReadonlySet<string>;
    readonly count: number;
}
/** What the page knows of the connection with the sender of a message. */
export interface Facts {
    /** Whether an offer or answer of the other page has been applied. */
    hasHeard: boolean;
    /** Whether our first offer is under way, and nothing was heard. */
    isOffering: boolean;
    /** Whether the offer is of the page at the other end, by its certificate. */
    isSamePage: boolean;
}
export interface Said {
    type: 'said';
    from: string;
    kind: Kind;
    link: string | undefined;
    proofs: readonly string[];
    /** What the sender calls itself, where the server has said nothing. */
    peerId: string;
    name: string | null;
    facts: Facts | undefined;
}
/** `id` is a fresh name for a link; `own` this page's connection id, where it is known (v1). */
export declare type MeshEvent = {
    id: string;
    own: string | undefined;
} & ({
    type: 'fresh';
} | {
    type: 'joined';
    person: Person;
} | {
    type: 'there';
    person: Person;
    begins: boolean;
} | {
    type: 'left' | 'check_over';
    connectionId: string;
} | {
    type: 'status';
    key: number;
    status: RTCPeerConnectionState;
} | {
    type: 'gone' | 'orphan_over';
    key: number;
} | Said);
export declare type MeshEffect = {
    do: 'begin';
    link: Link;
    isOfferer: boolean;
}
/** Hands the message on to the connection. */
 | {
    do: 'take';
    key: number;
}
/** The connection goes on, with somebody of another connection id. */
 | {
    do: 'move';
    link: Link;
} | {
    do: 'classic';
    key: number;
} | {
    do: 'close';
    key: number;
} | {
    do: 'tell';
    to: string;
    payload: Record<string, unknown>;
} | {
    do: 'problem';
    person: Person;
} | {
    do: 'wait';
    timer: string;
    ms: number;
    then: Timeout;
} | {
    do: 'unwait';
    timer: string;
};
export declare type Timeout = {
    type: 'check_over';
    connectionId: string;
} | {
    type: 'orphan_over';
    key: number;
};
/** How long a connection outlives its place in the room, while its page may come back. */
export declare const ORPHAN_MS = 60000;
/** How long we wait for the answer whether a newcomer is somebody that we know. */
export declare const CHECK_MS = 5000;
declare const KINDS: {
    readonly offer: readonly ["take", "accept", "accept", "accept"];
    readonly again: readonly ["take", "deny", "deny", "deny"];
    readonly answer: readonly ["take", "ignore", "ignore", "ignore"];
    readonly ice_candidate: readonly ["take", "ignore", "ignore", "ignore"];
    readonly link_check: readonly ["ignore", "keep", "deny", "deny"];
    readonly link_lost: readonly ["renew", "forget", "ignore", "begin"];
    readonly 'usher.link_kept': readonly ["ignore", "move", "ignore", "ignore"];
    readonly 'usher.negotiation_failed': readonly ["tell", "ignore", "ignore", "tell"];
};
export declare type Kind = keyof typeof KINDS;
export declare function isKind(type: string): type is Kind;
/** Shows `to` that `from` knows a link's name, and tells nobody the name. */
export declare function proofOf(name: string, from: string, to: string): string;
export declare const EMPTY: MeshState;
/** The link with somebody who is in the room. */
export declare function linkWith({ links }: MeshState, connectionId: string): Link | undefined;
/** Decides what an event changes, and what is to be done about it, in order. */
export declare function transition(state: MeshState, event: MeshEvent): {
    state: MeshState;
    effects: MeshEffect[];
};
export {};
