import { afterFailure, Ask, isRefusal, Kind, kindsOf } from './media-state.js';

export type Tracks = Partial<Record<Kind, MediaStreamTrack>>;

export interface Found {
  tracks: Tracks;
  /** Why there is none, for the other kinds. */
  errors: Partial<Record<Kind, unknown>>;
}

/** undefined where a page may have none, and outside browsers. */
export function mediaDevices(): MediaDevices | undefined {
  return globalThis.navigator?.mediaDevices;
}

export async function getTracks(ask: Ask): Promise<MediaStreamTrack[]> {
  const devices = mediaDevices();
  if (!devices) throw new Error('Browsers give camera and microphone to https pages only');
  return (await devices.getUserMedia(ask)).getTracks();
}

/**
 * Asks for everything at once, so that the user is asked once; where that fails, for less.
 *
 * @param isOver Whether nobody needs it any more.
 * @param onStale Another device is asked for, since the one wanted is not there.
 */
export async function findTracks(
  wanted: Ask, isOver: () => boolean, onStale: (kind: Kind, err: unknown) => void,
): Promise<Found> {
  const found: Found = { tracks: {}, errors: {} };
  let asks = [wanted];
  while (asks.length && !isOver()) {
    const [ask, ...rest] = asks as [Ask, ...Ask[]];
    try {
      for (const track of await getTracks(ask)) found.tracks[track.kind as Kind] = track;
      asks = rest;
    } catch (err) {
      const next = afterFailure(ask, rest, err, isRefusal(err) ? await denied(ask) : []);
      asks = next.asks;
      for (const kind of next.failed) found.errors[kind] = err;
      if (next.isStale) onStale(kindsOf(ask)[0]!, err);
    }
  }
  return found;
}

/** Of these kinds, those that the browser refuses without a prompt. */
async function denied(ask: Ask): Promise<Kind[]> {
  const states = await Promise.all(kindsOf(ask).map(async (kind) => {
    try {
      const name = (kind === 'audio' ? 'microphone' : 'camera') as PermissionName;
      return (await navigator.permissions.query({ name })).state === 'denied' ? [kind] : [];
    } catch {
      return [];  // Not every browser knows these names.
    }
  }));
  return states.flat();
}
