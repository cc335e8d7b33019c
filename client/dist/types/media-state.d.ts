/** What is decided about camera and microphone, apart from the browser that does it. */
export declare type Kind = 'audio' | 'video';
export declare type Wanted = boolean | MediaTrackConstraints;
/** What `getUserMedia` is asked for. */
export declare type Ask = Partial<Record<Kind, Wanted>>;
export declare const KINDS: readonly Kind[];
/** Camera or microphone. */
export interface Device {
    phase: 'none' | 'asking' | 'live' | 'closed';
    /** Whether the track is one that we have opened, and so must stop. */
    isOwn: boolean;
    /** Whether the application wants it to be seen or heard. */
    isOn: boolean;
    /** Whether it was there, and may come back with a device. */
    isLost: boolean;
    /** How often it was replaced after a short life. */
    tries: number;
    /** Which answer of the browser is still of use: whatever comes between makes it another. */
    ask: number;
}
export declare type DeviceEvent = {
    type: 'open';
} | {
    type: 'enable';
    on: boolean;
} | {
    type: 'got';
    ask: number;
} | {
    type: 'failed';
    ask: number;
    isRefusal: boolean;
}
/** The application has given a track of its own, or none. */
 | {
    type: 'given';
    isThere: boolean;
    isOwn?: boolean;
}
/** By itself: `stop` fires no event. */
 | {
    type: 'ended';
    livedMs: number;
} | {
    type: 'devicechange';
} | {
    type: 'close';
};
/**
 * `take` the new track in place of the old one, `stop` the new one instead; `release` the old one
 * with none in its place; `ask` for a track, or `retry` without telling once more that it fails.
 */
export declare type Effect = 'take' | 'stop' | 'release' | 'ask' | 'retry' | 'mute' | 'unmute' | 'tell';
export declare const initialDevice: Device;
interface Step {
    state: Device;
    effects: Effect[];
}
/** What follows from an event for the device of this kind. */
export declare function transition(kind: Kind, state: Device, event: DeviceEvent): Step;
export interface AfterFailure {
    /** What to ask for instead, one after another. */
    asks: Ask[];
    /** Kinds that are not to be had. */
    failed: Kind[];
    /** Whether another device is asked for in place of one that is not there. */
    isStale: boolean;
}
/** The user, or a rule of the page or system, says no: to ask again would only annoy. */
export declare function isRefusal(err: unknown): boolean;
/** Whether a device may be had once another page, or our own track, lets go of it. */
export declare function isBusy(err: unknown): boolean;
/**
 * What to do after `ask` failed.
 *
 * @param rest What was still to be asked for.
 * @param denied Kinds for which the browser gives no permission, and does not prompt.
 */
export declare function afterFailure(ask: Ask, rest: Ask[], err: unknown, denied: readonly Kind[]): AfterFailure;
export declare function constraints(wanted: Wanted | undefined): MediaTrackConstraints;
export declare function kindsOf(ask: Ask): Kind[];
export {};
