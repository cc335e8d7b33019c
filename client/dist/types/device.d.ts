import { Kind, Wanted } from './media-ask.js';
import type { Emit } from './types.js';
/** What a device needs of whoever has it, and tells. */
export interface Keeper {
    emit: Emit;
    /** Tracks that we have opened: these alone are ours to stop, once they are sent no more. */
    own: Set<MediaStreamTrack>;
    /** Asks for tracks, and says to each device what came of it. */
    acquire(devices: Device[], isQuiet: boolean): Promise<unknown>;
    /** What is sent has changed. */
    sync(): void;
}
/** Camera or microphone, or what the application gave in its place. */
export declare class Device {
    #private;
    readonly kind: Kind;
    wanted: Wanted;
    track: MediaStreamTrack | undefined;
    /** Until the browser has answered. */
    asking: Promise<unknown> | undefined;
    /** Which answer of the browser is still of use: whatever comes between makes it another. */
    turn: number;
    /** Whether the application wants it to be seen or heard. */
    isOn: boolean;
    /** Whether it was there, and may come back with a device. */
    isLost: boolean;
    /** How often it was replaced after a short life. */
    tries: number;
    constructor(kind: Kind, wanted: Wanted, keeper: Keeper);
    /** A camera that is off is not opened; a microphone is, and muted. */
    get mayOpen(): boolean;
    open(isQuiet?: boolean): void;
    /** Off lets go of our own camera, so that its light goes out; all else is only muted. */
    enable(on: boolean): void;
    /** What the browser has answered: a track, or why there is none. */
    answer(turn: number, track: MediaStreamTrack | undefined, err: unknown, isQuiet?: boolean): void;
    /** From now on it is this track, or none. */
    give(track?: MediaStreamTrack): void;
    /** By itself: permission withdrawn, a phone call, a device pulled out. */
    ended(livedMs: number): void;
    /** Devices have come or gone, or the page is looked at again: a phone call may be over. */
    look(isVisible: boolean): void;
}
