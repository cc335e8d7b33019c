import { Ask, Kind } from './media-state.js';
export declare type Tracks = Partial<Record<Kind, MediaStreamTrack>>;
export interface Found {
    tracks: Tracks;
    /** Why there is none, for the other kinds. */
    errors: Partial<Record<Kind, unknown>>;
}
/** undefined where a page may have none, and outside browsers. */
export declare function mediaDevices(): MediaDevices | undefined;
export declare function getTracks(ask: Ask): Promise<MediaStreamTrack[]>;
/**
 * Asks for everything at once, so that the user is asked once; where that fails, for less.
 *
 * @param isOver Whether nobody needs it any more.
 * @param onStale Another device is asked for, since the one wanted is not there.
 */
export declare function findTracks(wanted: Ask, isOver: () => boolean, onStale: (kind: Kind, err: unknown) => void): Promise<Found>;
