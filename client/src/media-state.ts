/** What is decided about camera and microphone, apart from the browser that does it. */

export type Kind = 'audio' | 'video';
export type Wanted = boolean | MediaTrackConstraints;
/** What `getUserMedia` is asked for. */
export type Ask = Partial<Record<Kind, Wanted>>;

export const KINDS: readonly Kind[] = ['audio', 'video'];

/** A track that lived shorter is replaced so many times by itself, and then with new devices. */
const SHORT_MS = 10_000;
const TRIES = 3;

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

export type DeviceEvent =
  | { type: 'open' }
  | { type: 'enable'; on: boolean }
  | { type: 'got'; ask: number }
  | { type: 'failed'; ask: number; isRefusal: boolean }
  /** The application has given a track of its own, or none. */
  | { type: 'given'; isThere: boolean; isOwn?: boolean }
  /** By itself: `stop` fires no event. */
  | { type: 'ended'; livedMs: number }
  | { type: 'devicechange' }
  | { type: 'close' };

/**
 * `take` the new track in place of the old one, `stop` the new one instead; `release` the old one
 * with none in its place; `ask` for a track, or `retry` without telling once more that it fails.
 */
export type Effect =
  'take' | 'stop' | 'release' | 'ask' | 'retry' | 'mute' | 'unmute' | 'tell';

export const initialDevice: Device = {
  phase: 'none', isOwn: false, isOn: true, isLost: false, tries: 0, ask: 0,
};

interface Step {
  state: Device;
  effects: Effect[];
}

/** What follows from an event for the device of this kind. */
export function transition(kind: Kind, state: Device, event: DeviceEvent): Step {
  const to = (change: Partial<Device>, ...effects: Effect[]): Step =>
    ({ state: { ...state, ...change }, effects });
  const { phase, isOn, ask } = state;
  if (phase === 'closed') return to({}, ...(event.type === 'got' ? ['stop' as const] : []));
  switch (event.type) {
    case 'open':
      // A camera that is off is not opened; a microphone is, and muted.
      return phase === 'none' && (isOn || kind === 'audio') ? to({ phase: 'asking' }) : to({});
    case 'enable': return enable(kind, state, event.on, to);
    case 'got':
      if (event.ask !== ask) return to({}, 'stop');
      if (kind === 'video' && !isOn) return to({ phase: 'none', ask: ask + 1 }, 'stop');
      return to({ phase: 'live', isOwn: true, isLost: false, ask: ask + 1 }, 'take');
    case 'failed':
      if (event.ask !== ask) return to({});
      return to({ phase: 'none', isLost: state.isLost && !event.isRefusal },
        'release', 'tell');
    case 'given':
      if (!event.isThere) {
        return to({ phase: 'none', isLost: false, ask: ask + 1 }, 'release');
      }
      return to({ phase: 'live', isOwn: !!event.isOwn, isLost: false, ask: ask + 1 }, 'take');
    case 'ended': return end(state, event.livedMs, to);
    case 'devicechange':
      return phase === 'none' && state.isLost && (isOn || kind === 'audio')
        ? to({ phase: 'asking', ask: ask + 1 }, 'retry') : to({});
    case 'close': return to({ phase: 'closed' });
  }
}

type To = (change: Partial<Device>, ...effects: Effect[]) => Step;

/** Off lets go of our own camera, so that its light goes out; all else is only muted. */
function enable(kind: Kind, { phase, isOwn, ask }: Device, on: boolean, to: To): Step {
  if (phase === 'asking') return to({ isOn: on });
  if (phase === 'live') {
    if (on || kind === 'audio' || !isOwn) return to({ isOn: on }, on ? 'unmute' : 'mute');
    return to({ phase: 'none', isOn: false }, 'release');
  }
  return on ? to({ phase: 'asking', isOn: true, ask: ask + 1 }, 'ask') : to({ isOn: false });
}

function end(state: Device, livedMs: number, to: To): Step {
  if (state.phase !== 'live') return to({});
  const tries = livedMs < SHORT_MS ? state.tries + 1 : 0;
  if (!state.isOwn) return to({ phase: 'none' }, 'release', 'tell');
  const lost = { isLost: true, tries };
  if (tries > TRIES) return to({ ...lost, phase: 'none' }, 'release', 'tell');
  return to({ ...lost, phase: 'asking', ask: state.ask + 1 }, 'tell', 'ask');
}

// Failures of getUserMedia

export interface AfterFailure {
  /** What to ask for instead, one after another. */
  asks: Ask[];
  /** Kinds that are not to be had. */
  failed: Kind[];
  /** Whether another device is asked for in place of one that is not there. */
  isStale: boolean;
}

/** The user, or a rule of the page or system, says no: to ask again would only annoy. */
export function isRefusal(err: unknown): boolean {
  return ['NotAllowedError', 'SecurityError'].includes(nameOf(err));
}

/** Whether a device may be had once another page, or our own track, lets go of it. */
export function isBusy(err: unknown): boolean {
  return ['NotReadableError', 'AbortError'].includes(nameOf(err));
}

/**
 * What to do after `ask` failed.
 *
 * @param rest What was still to be asked for.
 * @param denied Kinds for which the browser gives no permission, and does not prompt.
 */
export function afterFailure(
  ask: Ask, rest: Ask[], err: unknown, denied: readonly Kind[],
): AfterFailure {
  const kinds = kindsOf(ask);
  if (isRefusal(err)) {
    const left = kinds.filter((kind) => !denied.includes(kind));
    // Where one is blocked the browser prompts for neither.
    const asks = left.length < kinds.length && left.length ? [pick(ask, left)] : [];
    const failed = kinds.filter((kind) => !asks.length || denied.includes(kind));
    return { asks, failed: [...failed, ...rest.flatMap(kindsOf)], isStale: false };
  }
  if (kinds.length > 1) {
    return { asks: kinds.map((kind) => pick(ask, [kind])), failed: [], isStale: false };
  }
  const kind = kinds[0]!;
  const { deviceId, ...others } = constraints(ask[kind]);
  if (deviceId && ['OverconstrainedError', 'NotFoundError'].includes(nameOf(err))) {
    const instead = Object.keys(others).length ? others : true;
    return { asks: [{ [kind]: instead }, ...rest], failed: [], isStale: true };
  }
  return { asks: rest, failed: [kind], isStale: false };
}

export function constraints(wanted: Wanted | undefined): MediaTrackConstraints {
  return typeof wanted === 'object' ? wanted : {};
}

export function kindsOf(ask: Ask): Kind[] {
  return KINDS.filter((kind) => ask[kind]);
}

function pick(ask: Ask, kinds: Kind[]): Ask {
  return Object.fromEntries(kinds.map((kind) => [kind, ask[kind]]));
}

function nameOf(err: unknown): string {
  return (err as Error | undefined)?.name ?? '';
}
