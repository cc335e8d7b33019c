import type { Address } from './address.js';
import type { Actions, Json, State } from './socket-types.js';
import type { Dialect, EventName, WebRtcClientEvents, WebRtcClientOptions } from './types.js';
/** What is left to whoever has a socket. */
export declare type SocketDelegate = Pick<Actions, 'emit' | 'onWelcome' | 'onFresh' | 'onEvent'>
/** It is over; why is told next. */
 & {
    onEnd(): void;
};
/**
 * One conversation with the server over as many WebSockets as it takes. What is to be done
 * `socket-state.ts` decides; this does it.
 */
export declare class SignalSocket implements Omit<Actions, keyof SocketDelegate> {
    #private;
    /** With the secret of the session, as long as it may go on. */
    now: State;
    constructor(address: Address, options: WebRtcClientOptions, getToken: () => Promise<string>, delegate: SocketDelegate);
    start(session?: string, seq?: number): void;
    /**
     * What becomes of the message afterwards changes nothing.
     *
     * @param most So many may wait to be acknowledged: any number where it is absent.
     * @throws TypeError for what cannot be sent, and an Error where too much waits.
     */
    say(message: Json, most?: number): void;
    /** Ends the session: the others are told at once. */
    close(): void;
    end(): void;
    later(name: 'retry' | 'rejoin' | 'refresh', leastMs: number, attempt?: number, minMs?: number, mostMs?: number, drainMs?: number): void;
    /** What was said of a problem may hold the token. */
    emit<Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]): void;
    getToken(then: 'token' | 'refreshed'): void;
    check(): Promise<void>;
    open(dialect: Dialect, token: string): void;
    write(message: Json): void;
    drop(code?: number): void;
    ping(): void;
}
