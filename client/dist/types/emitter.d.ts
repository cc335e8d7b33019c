import type { EventName, Listener, WebRtcClientEvents } from './types.js';
/** Calls listeners in the order in which they were added. One that throws stops no other. */
export declare class Emitter {
    private readonly listeners;
    private isClosed;
    add<Name extends EventName>(type: Name, listener: Listener<Name>): void;
    remove<Name extends EventName>(type: Name, listener: Listener<Name>): void;
    emit<Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]): void;
    close(): void;
}
