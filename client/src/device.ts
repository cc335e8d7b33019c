import { deviceOf, isRefusal, Kind, Wanted } from './media-ask.js';
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

/** A track that lived shorter is replaced so many times by itself, and then with new devices. */
const SHORT_MS = 10_000;
const TRIES = 3;

/** Camera or microphone, or what the application gave in its place. */
export class Device {
  declare track: MediaStreamTrack | undefined;
  /** Until the browser has answered. */
  declare asking: Promise<unknown> | undefined;
  /** Which answer of the browser is still of use: whatever comes between makes it another. */
  turn = 0;
  /** Whether the application wants it to be seen or heard. */
  isOn = true;
  /** Whether it was there, and may come back with a device. */
  isLost = false;
  /** How often it was replaced after a short life. */
  tries = 0;
  /** Whether the next track is to be on, where there is none to take it from. */
  #isEnabled = true;
  #since = 0;
  readonly #keeper: Keeper;

  constructor(readonly kind: Kind, public wanted: Wanted, keeper: Keeper) {
    this.#keeper = keeper;
  }

  /** A camera that is off is not opened; a microphone is, and muted. */
  get mayOpen(): boolean {
    return !this.track && !this.asking && (this.isOn || this.kind === 'audio');
  }

  get #isOwn(): boolean {
    return this.#keeper.own.has(this.track!);
  }

  open(isQuiet = false): void {
    this.turn += 1;
    this.asking = this.#keeper.acquire([this], isQuiet);
  }

  /** Off lets go of our own camera, so that its light goes out; all else is only muted. */
  enable(on: boolean): void {
    const { track } = this;
    this.isOn = on;
    if (!this.asking) {
      if (!track) {
        if (on) this.open();
      } else if (!on && this.kind === 'video' && this.#isOwn) {
        this.#release();
      } else {
        track.enabled = on;
      }
    }
    this.#isEnabled = on;
  }

  /** What the browser has answered: a track, or why there is none. */
  answer(turn: number, track: MediaStreamTrack | undefined, err: unknown, isQuiet = false): void {
    const isWanted = this.isOn || this.kind === 'audio';
    if (turn === this.turn && track && isWanted) {
      this.#keeper.own.add(track);
      return this.give(track);
    }
    track?.stop();
    if (turn !== this.turn) return;
    this.#settle();
    if (track) return;
    this.isLost &&= !isRefusal(err);
    if (!isQuiet) this.#tell(err, false);
  }

  /** From now on it is this track, or none. */
  give(track?: MediaStreamTrack): void {
    const old = this.track;
    this.#settle(track);
    this.isLost = false;
    if (!track || track === old) return;
    if (!this.#isEnabled) track.enabled = false;
    else if (old) track.enabled = true;
    this.track = track;
    this.#since = Date.now();
    track.addEventListener('ended', () => {
      if (this.track === track) this.ended(Date.now() - this.#since);
    });
  }

  /** By itself: permission withdrawn, a phone call, a device pulled out. */
  ended(livedMs: number): void {
    if (!this.track || this.asking) return;
    const isOwn = this.#isOwn;
    if (isOwn) this.tries = livedMs < SHORT_MS ? this.tries + 1 : 0;
    this.isLost = isOwn;
    const isReplaced = isOwn && this.tries <= TRIES;
    if (!isReplaced) this.#release();
    this.#tell(new Error(`The ${deviceOf(this.kind)} has ended: forbidden, gone or taken`),
      isReplaced);
    if (isReplaced) this.open();  // The default one takes its place.
    else this.#keeper.sync();
  }

  /** Devices have come or gone, or the page is looked at again: a phone call may be over. */
  look(isVisible: boolean): void {
    if (this.track?.readyState === 'ended' && this.#isOwn) this.ended(Infinity);
    if (isVisible && this.isLost && this.mayOpen) this.open(true);
  }

  /** Nothing that the browser answers after this counts. */
  #settle(track?: MediaStreamTrack): void {
    this.turn += 1;
    this.asking = undefined;
    if (track !== this.track) this.#release();
  }

  #release(): void {
    if (!this.track) return;
    this.#isEnabled = this.track.enabled;
    this.track = undefined;
  }

  #tell(err: unknown, willReplace: boolean): void {
    if (err) this.#keeper.emit('mediaProblem', { device: this.kind, err, willReplace });
  }
}
