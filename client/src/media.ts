import { findTracks, getTracks, mediaDevices, Tracks } from './media-ask.js';
import {
  Ask, constraints, Device, DeviceEvent, Effect, initialDevice, isBusy, isRefusal, Kind, KINDS,
  kindsOf, transition, Wanted,
} from './media-state.js';
import type { MediaProblem, VideoOptions } from './types.js';

export interface MediaDelegate {
  onStream(): void;
  onNoMedia(err: unknown): void;
  onProblem(problem: MediaProblem): void;
  onScreenShareEnded(): void;
  play(el: HTMLMediaElement): void;
}

/** A shared screen's sound, which is sent beside the stream's own tracks. */
export const soundOf = new WeakMap<MediaStream, MediaStreamTrack>();

/** So long a camera sends black before it is let go of: nobody is left with its last picture. */
const DARK_MS = 150;
/** Browsers take a longer time for none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Camera, microphone and screen of this page: one stream, whose tracks change. */
export class LocalMedia {
  /** undefined until there is something to send. */
  stream: MediaStream | undefined;
  /** Of camera and microphone, or what the application gave in their place. */
  private readonly tracks: Tracks = {};
  private readonly since: Partial<Record<Kind, number>> = {};
  private readonly devices: Record<Kind, Device> = { audio: initialDevice, video: initialDevice };
  private readonly wanted: Record<Kind, Wanted>;
  /** Whether the next track of a kind is to be on, where there is none to take it from. */
  private readonly enabled: Record<Kind, boolean> = { audio: true, video: true };
  private readonly asking: Partial<Record<Kind, Promise<void>>> = {};
  /** Tracks that we have opened: these alone are ours to stop. */
  private readonly own = new WeakSet<MediaStreamTrack>();
  /** Tracks that are sent no more, from the next `sync` on. */
  private readonly leaving = new Set<MediaStreamTrack>();
  private screen: MediaStream | undefined;
  private choosing: Promise<void> = Promise.resolve();
  private isClosed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: VideoOptions | undefined, stream: MediaStream | undefined,
    private readonly delegate: MediaDelegate,
  ) {
    const isAsked = !stream && options;
    this.wanted = {
      audio: isAsked && options.audio || false, video: isAsked && options.video || false,
    };
    if (stream) {
      this.give(stream.getTracks());
      this.sync(false);
    }
    mediaDevices()?.addEventListener?.('devicechange', this.onDeviceChange);
    globalThis.document?.addEventListener('visibilitychange', this.onDeviceChange);
  }

  get isSharing(): boolean {
    return this.screen !== undefined;
  }

  /** Asks for what the options say. Resolves with the answer, and after `waitMs` at the latest. */
  async open(waitMs: number): Promise<void> {
    if (!kindsOf(this.wanted).length) return;
    // Who makes a client and closes it in one task is asked for nothing.
    await this.sleep(0);
    for (const kind of kindsOf(this.wanted)) this.dispatch(kind, { type: 'open' });
    const asked = KINDS.filter((kind) => this.devices[kind].phase === 'asking'
      && !this.asking[kind]);
    if (!asked.length) return;
    const opened = this.acquire(asked).then((err) => {
      if (!this.isClosed && !this.tracks.audio && !this.tracks.video && err) {
        this.delegate.onNoMedia(err);
      }
    });
    for (const kind of asked) this.asking[kind] = opened;
    await (waitMs > LONGEST_TIMER_MS ? opened : Promise.race([opened, this.sleep(waitMs)]));
    clearTimeout(this.timer);
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => { this.timer = setTimeout(resolve, ms); });
  }

  // Devices

  private dispatch(kind: Kind, event: DeviceEvent, track?: MediaStreamTrack, err?: unknown): void {
    const { state, effects } = transition(kind, this.devices[kind], event);
    this.devices[kind] = state;
    for (const effect of effects) this.run(kind, effect, effects, track, err);
  }

  private run(
    kind: Kind, effect: Effect, all: Effect[], track: MediaStreamTrack | undefined, err: unknown,
  ): void {
    const old = this.tracks[kind];
    switch (effect) {
      case 'take': return this.take(kind, track!);
      case 'stop': return track!.stop();
      case 'release':
        if (!old) return;
        this.enabled[kind] = old.enabled;
        this.leaving.add(old);
        delete this.tracks[kind];
        return;
      case 'ask': case 'retry':
        this.asking[kind] = this.acquire([kind], effect === 'retry').then(() => undefined);
        return;
      case 'mute': case 'unmute':
        if (old) old.enabled = effect === 'unmute';
        return;
      case 'tell':
        if (!err) return;
        this.delegate.onProblem({ device: kind, err, willReplace: all.includes('ask') });
    }
  }

  private take(kind: Kind, track: MediaStreamTrack): void {
    const old = this.tracks[kind];
    if (old === track) return;
    if (!(old?.enabled ?? this.enabled[kind])) track.enabled = false;
    else if (old) track.enabled = true;
    if (old) this.leaving.add(old);
    this.tracks[kind] = track;
    this.since[kind] = Date.now();
    track.addEventListener('ended', this.onEnded);
  }

  /** @returns what went wrong, where something did. */
  private async acquire(kinds: Kind[], isQuiet = false): Promise<unknown> {
    const numbers = kinds.map((kind) => this.devices[kind].ask);
    const wanted = Object.fromEntries(kinds.map((kind) => [kind, this.wanted[kind] || true]));
    const { tracks, errors } = await findTracks(wanted, () => this.isClosed, (kind, err) => {
      if (!isQuiet && !this.isClosed) {
        this.delegate.onProblem({ device: kind, err, willReplace: true });
      }
    });
    kinds.forEach((kind, index) => {
      const ask = numbers[index]!;
      const track = tracks[kind];
      const err = errors[kind];
      if (track) {
        this.own.add(track);
        this.dispatch(kind, { type: 'got', ask }, track);
      } else {
        const event: DeviceEvent = { type: 'failed', ask, isRefusal: isRefusal(err) };
        this.dispatch(kind, event, undefined, isQuiet ? undefined : err);
      }
    });
    this.sync();
    return errors.audio ?? errors.video;
  }

  private async get(ask: Ask): Promise<MediaStreamTrack[]> {
    const tracks = await getTracks(ask);
    for (const track of tracks) this.own.add(track);
    return tracks;
  }

  // Tracks that end by themselves

  /** Permission withdrawn, a phone call, a device pulled out: the default one takes its place. */
  private readonly onEnded = ({ target }: { target: EventTarget | null }): void => {
    const kind = KINDS.find((one) => this.tracks[one] === target);
    if (kind) this.lose(kind, Date.now() - (this.since[kind] ?? 0));
  };

  private lose(kind: Kind, livedMs: number): void {
    const what = kind === 'video' ? 'camera' : 'microphone';
    const err = new Error(`The ${what} has ended: forbidden, gone, or taken by something else`);
    this.dispatch(kind, { type: 'ended', livedMs }, undefined, err);
    if (this.devices[kind].phase === 'none') this.sync();
  }

  /** Also when the page is looked at again: a phone call that is over changes no device. */
  private readonly onDeviceChange = (): void => {
    for (const kind of KINDS) {
      if (this.devices[kind].isOwn && this.tracks[kind]?.readyState === 'ended') {
        this.lose(kind, Infinity);
      }
      if (!globalThis.document?.hidden) this.dispatch(kind, { type: 'devicechange' });
    }
  };

  // The stream

  /** Brings the stream to what is to be sent now, and stops what we need no more. */
  private sync(isTold = true): void {
    if (this.isClosed) return;
    const screen = this.screen?.getTracks().find((track) => track.kind === 'video');
    const now = [this.tracks.audio, screen ?? this.tracks.video]
      .filter((track): track is MediaStreamTrack => track !== undefined);
    if (!this.stream && !now.length) return;
    const stream = (this.stream ??= new MediaStream());
    for (const track of stream.getTracks()) if (!now.includes(track)) stream.removeTrack(track);
    for (const track of now) stream.addTrack(track);
    const sound = this.screen?.getTracks().find((track) => track.kind === 'audio');
    if (sound) soundOf.set(stream, sound);
    else soundOf.delete(stream);
    this.show();
    if (isTold) this.delegate.onStream();
    this.dismiss();
  }

  private dismiss(): void {
    const used: unknown[] = [this.tracks.audio, this.tracks.video,
      ...(this.screen?.getTracks() ?? [])];
    for (const track of this.leaving) {
      if (used.includes(track)) continue;
      track.removeEventListener('ended', this.onEnded);
      if (this.own.has(track)) track.stop();
    }
    this.leaving.clear();
  }

  private show(): void {
    const el = this.options?.el;
    if (!el || !this.stream) return;
    el.muted = true;  // Nobody wants to hear himself.
    el.playsInline = true;
    el.autoplay = true;
    // Without a picture it would keep the last one.
    const shown = this.stream.getVideoTracks().length ? this.stream : null;
    if (el.srcObject !== shown) el.srcObject = shown;
    if (shown) this.delegate.play(el);
  }

  // Changes during a call

  /** @returns whether the camera or microphone is on now. */
  async enable(kind: Kind, on: boolean): Promise<boolean> {
    const before = this.tracks[kind];
    this.dispatch(kind, { type: 'enable', on });
    this.enabled[kind] = on;
    if (before && !this.tracks[kind]) await this.darken(before);
    if (on) await this.asking[kind];
    const track = this.tracks[kind];
    return !this.isClosed && track !== undefined && track.readyState === 'live' && track.enabled;
  }

  /** A camera whose place nobody takes sends black first. */
  private async darken(track: MediaStreamTrack): Promise<void> {
    if (track.kind === 'video' && this.own.has(track)) {
      track.enabled = false;
      await new Promise((resolve) => setTimeout(resolve, DARK_MS));
    }
    this.sync();
  }

  /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
  async shareScreen(given?: MediaStream): Promise<MediaStream> {
    const devices = mediaDevices();
    if (!given && !devices?.getDisplayMedia) throw new Error('This browser shares no screen');
    const screen = given ?? (await devices!.getDisplayMedia({ video: true, audio: true }));
    if (!given) for (const track of screen.getTracks()) this.own.add(track);
    const track = screen.getVideoTracks()[0];
    if (!track || this.isClosed) {
      this.discard(screen.getTracks());
      throw new Error(track ? 'The client is closed' : 'What is to be shared has no picture');
    }
    this.leaveScreen();
    this.screen = screen;
    track.addEventListener('ended', () => {
      if (this.screen !== screen) return;
      this.stopSharing();
      this.delegate.onScreenShareEnded();
    });
    this.sync();
    track.enabled = true;  // Whoever shares wants it seen, also with the camera off.
    return screen;
  }

  stopSharing(): void {
    if (!this.screen) return;
    this.leaveScreen();
    this.sync();
  }

  private leaveScreen(): void {
    for (const track of this.screen?.getTracks() ?? []) this.leaving.add(track);
    this.screen = undefined;
  }

  /** Uses these devices; `null` gives one up, what is left out stays. */
  setDevices(ids: {
    audioDeviceId?: string | null; videoDeviceId?: string | null;
  }): Promise<void> {
    const chosen = this.choosing.then(async () => {
      await this.choose('audio', ids.audioDeviceId);
      await this.choose('video', ids.videoDeviceId);
    });
    this.choosing = chosen.catch(() => undefined);
    return chosen;
  }

  private async choose(kind: Kind, id: string | null | undefined): Promise<void> {
    if (id === undefined || this.isClosed) return;
    const old = this.tracks[kind];
    if (id === null) {
      this.wanted[kind] = false;
      this.give([], [kind]);
      return old && this.darken(old);
    }
    const wanted = { ...constraints(this.wanted[kind]), deviceId: { exact: id } };
    const { ask, isOn } = this.devices[kind];
    if (kind === 'video' && !isOn) {
      this.give([], [kind]);  // It is opened when it is turned on again.
      this.sync();
    } else {
      const [track] = await this.exchange(kind, wanted, ask);
      const isLate = !this.isClosed && this.devices[kind].ask !== ask;
      this.dispatch(kind, { type: 'got', ask }, track);
      this.sync();
      if (isLate) throw new Error('Something else was chosen meanwhile');
    }
    this.wanted[kind] = wanted;
  }

  /** Many cameras, and phones above all, do not open one beside another. */
  private async exchange(kind: Kind, wanted: Wanted, ask: number): Promise<MediaStreamTrack[]> {
    try {
      return await this.get({ [kind]: wanted });
    } catch (err) {
      const old = this.tracks[kind];
      if (!isBusy(err) || !old || !this.own.has(old)) throw err;
      const { deviceId } = old.getSettings();
      old.stop();
      return this.get({ [kind]: wanted }).catch(async (again) => {
        await this.goBack(kind, deviceId, ask);
        throw again;
      });
    }
  }

  private async goBack(kind: Kind, deviceId: string | undefined, ask: number): Promise<void> {
    const wanted = { ...constraints(this.wanted[kind]), ...(deviceId && { deviceId }) };
    try {
      const [track] = await this.get({ [kind]: wanted });
      this.dispatch(kind, { type: 'got', ask }, track);
    } catch (err) {
      if (this.devices[kind].ask !== ask) return;
      this.give([], [kind]);
      this.delegate.onProblem({ device: kind, err, willReplace: false });
    }
    this.sync();
  }

  /** Sends another stream's tracks, which stay the application's. */
  setStream(stream: MediaStream): void {
    this.give(stream.getTracks());
    this.sync();
  }

  private give(tracks: MediaStreamTrack[], kinds = KINDS): void {
    for (const kind of kinds) {
      const track = tracks.find((one) => one.kind === kind);
      const isOwn = track && this.own.has(track);
      this.dispatch(kind, { type: 'given', isThere: !!track, isOwn }, track);
    }
  }

  /** @returns whether any track of these kinds is on now. */
  toggle(kinds: Kind[], enabled?: boolean): boolean {
    const tracks = (this.stream?.getTracks() ?? [])
      .filter((track) => kinds.includes(track.kind as Kind));
    const isOn = enabled ?? !tracks.some((track) => track.enabled);
    for (const track of tracks) track.enabled = isOn;
    return tracks.length > 0 && isOn;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.timer);
    mediaDevices()?.removeEventListener?.('devicechange', this.onDeviceChange);
    globalThis.document?.removeEventListener('visibilitychange', this.onDeviceChange);
    for (const kind of KINDS) this.dispatch(kind, { type: 'close' });
    this.leaveScreen();
    for (const kind of KINDS) this.run(kind, 'release', [], undefined, undefined);
    this.dismiss();
    const el = this.options?.el;
    if (el && el.srcObject === this.stream) el.srcObject = null;
  }

  private discard(tracks: MediaStreamTrack[]): void {
    for (const track of tracks) if (this.own.has(track)) track.stop();
  }
}
