import type { Address } from './address';
import type { ClientState, Dialect, SocketClosed, SocketProblem } from './types';
declare type Json = Record<string, unknown>;
/** What the server says first on a v1 connection. */
export interface Welcome {
    connectionId: string;
    session: string;
    expiresAt: number;
    serverTime: number;
    iceServers: RTCIceServer[];
    iceServersExpireAt?: number;
}
export interface SocketDelegate {
    /** A connection stands on which nothing was said yet: join. */
    onFresh(dialect: Dialect, welcome: Welcome | undefined): void;
    /** A connection stands on which the session goes on. */
    onResumed(connectionId: string): void;
    onWelcome(welcome: Welcome): void;
    onEvent(type: string, data: Json): void;
    onState(state: ClientState): void;
    onOpen(dialect: Dialect): void;
    onClosed(closed: SocketClosed): void;
    onProblem(problem: SocketProblem): void;
    onReconnecting(attempt: number, delayMs: number): void;
}
/**
 * One conversation with the server over as many WebSockets as it takes: connects, resumes, and
 * sends again what did not arrive.
 */
export declare class SignalSocket {
    private readonly address;
    private readonly clientId;
    private readonly getToken;
    private readonly wanted;
    private readonly delegate;
    state: ClientState;
    private socket;
    private dialect;
    private hasOpened;
    private attempt;
    private timer;
    private lostAt;
    private readonly liveness;
    /** By their `ack`: messages that may not have arrived. */
    private readonly unacked;
    private ackCount;
    /** Up to which event the replay of a resume goes; what is unacked then did not arrive. */
    private replayEnd;
    /** What is to be said once the conversation stands. */
    private waiting;
    private isReady;
    private drainMs;
    private refreshAttempt;
    session: string | undefined;
    seq: number;
    constructor(address: Address, clientId: string | undefined, getToken: () => string | Promise<string>, wanted: Dialect | 'auto', delegate: SocketDelegate);
    get isV1(): boolean;
    start(kept?: {
        session: string;
        seq: number;
    }): void;
    private connect;
    private open;
    private onOpen;
    /** Nothing of this socket is heard any more. */
    private forget;
    private becomeReady;
    private onClose;
    /** As `state` may have changed while something was waited for. */
    private isClosed;
    private reconnect;
    private readonly onOnline;
    private readonly onVisible;
    private ping;
    private onSilence;
    /** Ends the session: the others are told at once. */
    close(): void;
    private finish;
    private setState;
    /**
     * Sends a message, or keeps it until the session is resumed. Without a session to resume nothing
     * is kept: connection ids will be others.
     */
    say(message: Json): void;
    private write;
    private onMessage;
    private hear;
    private welcome;
    private onWelcome;
    private beginAfresh;
    private onResumed;
    /** The replay is over: what was not acked by then did not arrive. */
    private sayAgain;
    private onError;
    private refresh;
    private refreshLater;
}
export {};
