import type { Emit, EventName, Listener } from './types.js';
/** Calls listeners in the order in which they were added. One that throws stops no other. */
export declare class Emitter {
    #private;
    /** No event comes after. */
    protected isSilent: boolean;
    addEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void;
    removeEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void;
    protected readonly emit: Emit;
}
