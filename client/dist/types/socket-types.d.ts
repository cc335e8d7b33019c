import type { Dialect, ProblemCode, SocketClosed, SocketProblem } from './types.js';
export declare type Json = Record<string, unknown>;
/** What the server says first on a v1 connection. */
export interface Welcome {
    connectionId: string;
    session: string;
    expiresAt: number;
    serverTime: number;
    iceServers: RTCIceServer[];
    iceServersExpireAt?: number;
}
/** Why a handshake failed, as the server says it; without an error nothing stands against it. */
export interface Answer {
    error?: string;
    description?: string;
}
/**
 * `token`: one is asked for. `opening`: the handshake runs. `trial`: a classic one is
 * done, and whether the server is not ours after all is asked. `checking`: why it failed is asked.
 * `greeting` and `resuming`: the server speaks first, or answers to the old session. `replaying`:
 * what was missed comes. `waiting`: for the next attempt.
 */
export declare type Phase = 'idle' | 'token' | 'opening' | 'trial' | 'checking' | 'greeting' | 'resuming' | 'replaying' | 'open' | 'waiting' | 'closed';
export interface State {
    readonly phase: Phase;
    readonly wanted: Dialect | 'auto';
    /** Of this attempt, or of the connection. */
    readonly dialect: Dialect;
    /** Of two that `auto` has to choose from, the one is known. */
    readonly isSettled: boolean;
    /** `auto`: v1 failed for no reason that could be learnt, so that classic is tried. */
    readonly isDoubtful: boolean;
    /** The token is one of ours, which stands in no URL unless `classic` was written. */
    readonly hasOwnToken: boolean;
    readonly hasOpened: boolean;
    /** Failures in a row. */
    readonly attempt: number;
    /** What was told last of failing attempts: the same is not told again. */
    readonly told: ProblemCode | undefined;
    readonly session: string | undefined;
    /** The last event that was heard of the session. */
    readonly seq: number;
    readonly welcome: Welcome | undefined;
    /** The last event of the connection's own session, while the old one may go on. */
    readonly freshSeq: number;
    /** Up to which event the replay of a resume goes. */
    readonly replayEnd: number;
    /** What was not acknowledged yet, in the order of saying. */
    readonly outbox: readonly Json[];
    readonly acks: number;
    readonly lostAt: number;
    readonly drainMs: number | undefined;
    readonly isRefreshing: boolean;
    readonly refreshAttempt: number;
    /** Since when our id is taken, perhaps by a session of our own that was lost. */
    readonly takenSince: number | undefined;
    /** When the last event came. */
    readonly now: number;
}
export declare type Event = {
    now: number;
} & ({
    type: 'start';
    session?: string;
    seq?: number;
} | {
    type: 'token';
    token: string;
} | {
    type: 'noToken';
    code: ProblemCode;
    message: string;
    final?: boolean;
    err?: unknown;
} | {
    type: 'opened';
    protocol: string;
} | {
    type: 'blocked';
} | {
    type: 'checked';
    answer: Answer | undefined;
} | {
    type: 'message';
    name: string;
    data: Json;
    seq: number | undefined;
} | {
    type: 'closed';
    code: number;
    reason: string;
} | {
    type: 'retry';
} | {
    type: 'rejoin';
} | {
    type: 'refresh';
} | {
    type: 'refreshed';
    token: string;
} | {
    type: 'awake';
} | {
    type: 'say';
    message: Json;
} | {
    type: 'close';
});
/** What is told: a member of the socket's delegate, and its argument. */
export interface Told {
    onOpen: Dialect;
    onWelcome: Welcome;
    /** A connection stands on which nothing was said yet: join. In v1, with what the server said. */
    onFresh: Welcome | undefined;
    /** A connection stands on which the session goes on: its id. */
    onResumed: string;
    onEvent: {
        name: string;
        data: Json;
    };
    onClosed: SocketClosed;
    onProblem: SocketProblem;
}
export declare type Effect = {
    do: 'getToken' | 'refresh' | 'check' | 'ping';
} | {
    do: 'open';
    dialect: Dialect;
    token: string;
} | {
    do: 'write';
    message: Json;
}
/** Nothing of this connection is heard any more, and its timers end. */
 | {
    do: 'drop';
}
/** All ends. */
 | {
    do: 'end';
} | {
    do: 'retry';
    attempt: number;
    minMs: number;
    mostMs?: number;
    drainMs?: number;
} | {
    do: 'wait';
    for: 'rejoin' | 'refresh';
    ms?: number;
    attempt?: number;
} | {
    [Name in keyof Told]: {
        do: 'tell';
        name: Name;
        what: Told[Name];
    };
}[keyof Told];
export interface Step {
    state: State;
    effects: Effect[];
}
