export declare type Kind = 'audio' | 'video';
export declare type Wanted = boolean | MediaTrackConstraints;
/** What `getUserMedia` is asked for. */
export declare type Ask = Partial<Record<Kind, Wanted>>;
interface Found {
    tracks: Partial<Record<Kind, MediaStreamTrack>>;
    /** Why there is none, for the other kinds. */
    errors: Partial<Record<Kind, unknown>>;
}
export declare const KINDS: readonly Kind[];
/** As people, and permissions, call it. */
export declare const deviceOf: (kind: Kind) => string;
/** The user, or a rule of the page or system, says no: to ask again would only annoy. */
export declare const isRefusal: (err: unknown) => boolean;
/** Whether a device may be had once another page, or our own track, lets go of it. */
export declare const isBusy: (err: unknown) => boolean;
export declare const constraints: (wanted: Wanted | undefined) => MediaTrackConstraints;
/**
 * Asks for everything at once, so that the user is asked once; where that fails, for less.
 *
 * @param get Asks the browser.
 * @param isOver Whether nobody needs it any more.
 * @param onStale Another device is asked for, since the one wanted is not there.
 */
export declare function findTracks(wanted: Ask, get: (ask: Ask) => Promise<MediaStreamTrack[]>, isOver: () => boolean, onStale: (kind: Kind, err: unknown) => void): Promise<Found>;
export {};
