import type { Address } from './address.js';
import type { Json, Told } from './socket-types.js';
import type { ClientState, Dialect } from './types.js';
export declare type SocketDelegate = {
    [Name in keyof Told]: (what: Told[Name]) => void;
} & {
    onState(state: ClientState): void;
    onReconnecting(attempt: number, delayMs: number): void;
};
export interface SocketSettings {
    address: Address;
    clientId: string | undefined;
    room: string;
    getToken(): Promise<string>;
    dialect: Dialect | 'auto';
    /** Where the platform has none of its own. */
    WebSocket?: typeof WebSocket;
}
/**
 * One conversation with the server over as many WebSockets as it takes. What is to be done
 * `socket-state.ts` decides; this does it.
 */
export declare class SignalSocket {
    private readonly settings;
    private readonly delegate;
    private now;
    private socket;
    private token;
    /** How often a token was asked for: an answer counts only for the last time. */
    private asked;
    private readonly timers;
    private readonly liveness;
    private readonly events;
    private effects;
    private isBusy;
    constructor(settings: SocketSettings, delegate: SocketDelegate);
    get state(): ClientState;
    get isV1(): boolean;
    /** Its secret, as long as it may go on. */
    get session(): string | undefined;
    get seq(): number;
    start(kept?: {
        session: string;
        seq: number;
    }): void;
    say(message: Json): void;
    /** Ends the session: the others are told at once. */
    close(): void;
    /** One event after the other: what a listener does meanwhile comes after what it was told. */
    private take;
    private safely;
    private perform;
    private withoutToken;
    private wait;
    private stop;
    private retry;
    private ask;
    private check;
    private open;
    private onMessage;
    private write;
    private lose;
    private drop;
    private end;
    private ping;
    private readonly onAwake;
    private readonly onViolation;
}
