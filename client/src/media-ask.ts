export type Kind = 'audio' | 'video';
export type Wanted = boolean | MediaTrackConstraints;
/** What `getUserMedia` is asked for. */
export type Ask = Partial<Record<Kind, Wanted>>;

interface Found {
  tracks: Partial<Record<Kind, MediaStreamTrack>>;
  /** Why there is none, for the other kinds. */
  errors: Partial<Record<Kind, unknown>>;
}

export const KINDS: readonly Kind[] = ['audio', 'video'];

/** As people, and permissions, call it. */
export const deviceOf = (kind: Kind): string => (kind === 'audio' ? 'microphone' : 'camera');

const isNamed = (err: unknown, ...names: string[]): boolean =>
  names.includes((err as Error | undefined)?.name ?? '');

/** The user, or a rule of the page or system, says no: to ask again would only annoy. */
export const isRefusal = (err: unknown): boolean =>
  isNamed(err, 'NotAllowedError', 'SecurityError');

/** Whether a device may be had once another page, or our own track, lets go of it. */
export const isBusy = (err: unknown): boolean => isNamed(err, 'NotReadableError', 'AbortError');

export const constraints = (wanted: Wanted | undefined): MediaTrackConstraints =>
  (typeof wanted === 'object' ? wanted : {});

/**
 * Asks for everything at once, so that the user is asked once; where that fails, for less.
 *
 * @param get Asks the browser.
 * @param isOver Whether nobody needs it any more.
 * @param onStale Another device is asked for, since the one wanted is not there.
 */
export async function findTracks(
  wanted: Ask, get: (ask: Ask) => Promise<MediaStreamTrack[]>, isOver: () => boolean,
  onStale: (kind: Kind, err: unknown) => void,
): Promise<Found> {
  const tracks: Found['tracks'] = {};
  const errors: Found['errors'] = {};
  let asks = [wanted];
  let ask: Ask | undefined;
  while ((ask = asks.shift()) && !isOver()) {
    try {
      for (const track of await get(ask)) tracks[track.kind as Kind] = track;
    } catch (err) {
      const kinds = KINDS.filter((kind) => ask![kind]);
      const kind = kinds[0]!;
      const each = kinds.map((one): Ask => ({ [one]: ask![one] }));
      const { deviceId, ...others } = constraints(ask[kind]);
      if (isRefusal(err)) {
        // Where one is blocked the browser prompts for neither.
        const blocked = await Promise.all(kinds.map(isBlocked));
        const isForOne = each[1] && blocked[0] !== blocked[1];
        // Whoever says no is not asked for the rest.
        asks = isForOne ? each.filter((_, index) => !blocked[index]) : [];
        for (const one of KINDS) {
          if (wanted[one] && !tracks[one] && !asks[0]?.[one]) errors[one] ??= err;
        }
      } else if (each[1]) {
        asks = each;
      } else if (deviceId && isNamed(err, 'OverconstrainedError', 'NotFoundError')) {
        asks.unshift({ [kind]: Object.keys(others).length ? others : true });
        onStale(kind, err);
      } else {
        errors[kind] = err;
      }
    }
  }
  return { tracks, errors };
}

/** Whether the browser refuses this kind without a prompt. */
async function isBlocked(kind: Kind): Promise<boolean> {
  try {
    const name = deviceOf(kind) as PermissionName;
    return (await navigator.permissions.query({ name })).state === 'denied';
  } catch {
    return false;  // Not every browser knows these names.
  }
}
