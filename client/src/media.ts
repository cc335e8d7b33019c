import { Device, Keeper } from './device.js';
import { Ask, constraints, findTracks, isBusy, Kind, KINDS, Wanted } from './media-ask.js';
import type { Emit, WebRtcClientOptions } from './types.js';
import { within } from './within.js';

/** So long a camera sends black before it is let go of: nobody is left with its last picture. */
const DARK_MS = 150;
/** Browsers take a longer time for none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Camera, microphone and screen of this page: one stream, whose tracks change. */
export class LocalMedia implements Keeper {
  /** undefined until there is something to send. */
  declare stream: MediaStream | undefined;
  /** A shared screen's, which is sent beside the stream's own tracks. */
  declare sound: MediaStreamTrack | undefined;
  readonly #devices: readonly Device[];
  readonly own = new Set<MediaStreamTrack>();
  #screen: MediaStream | undefined;
  #choosing: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  readonly #closing = new AbortController();
  readonly #closed: Promise<unknown>;
  readonly #options: WebRtcClientOptions;
  readonly #play: (el: HTMLMediaElement) => void;

  constructor(
    options: WebRtcClientOptions, readonly emit: Emit, play: (el: HTMLMediaElement) => void,
  ) {
    this.#options = options;
    this.#play = play;
    const { stream, video } = options;
    this.#devices = KINDS.map((kind) =>
      new Device(kind, !stream && video?.[kind] || false, this));
    if (stream) this.setStream(stream);
    const { signal } = this.#closing;
    this.#closed = new Promise((resolve) => { signal.addEventListener('abort', resolve); });
    this.#mediaDevices?.addEventListener?.('devicechange', this.#look, { signal });
    globalThis.document?.addEventListener('visibilitychange', this.#look, { signal });
  }

  /** undefined where a page may have none, and outside browsers. */
  get #mediaDevices(): MediaDevices | undefined {
    return this.#options.globals?.mediaDevices ?? globalThis.navigator?.mediaDevices;
  }

  get isSharing(): boolean {
    return this.#screen !== undefined;
  }

  /** Asks for what the options say. Resolves with the answer, and after `waitMs` at the latest. */
  async open(waitMs: number): Promise<void> {
    if (!this.#devices.some((device) => device.wanted)) return;
    // Who makes a client and closes it in one task is asked for nothing.
    await within(0);
    const asked = this.#devices.filter((device) => device.wanted && device.mayOpen);
    if (this.#isClosed || !asked.length) return;
    const opened = this.acquire(asked).then((err) => {
      if (this.#isClosed || this.#devices.some((device) => device.track)) return;
      if (err) this.emit('noMedia', { err });
    });
    for (const device of asked) device.asking = opened;
    await within(Math.min(waitMs, LONGEST_TIMER_MS), opened, this.#closed);
  }

  /** @returns what went wrong, where something did. */
  async acquire(devices: Device[], isQuiet = false): Promise<unknown> {
    const turns = devices.map((device) => device.turn);
    const wanted: Ask =
      Object.fromEntries(devices.map((device) => [device.kind, device.wanted || true]));
    const { tracks, errors } = await findTracks(wanted, this.#get, () => this.#isClosed,
      (device, err) => {
        if (isQuiet || this.#isClosed) return;
        this.emit('mediaProblem', { device, err, willReplace: true });
      });
    devices.forEach((device, index) => {
      const { kind } = device;
      device.answer(turns[index]!, tracks[kind], errors[kind], isQuiet);
    });
    this.sync();
    return errors.audio ?? errors.video;
  }

  readonly #get = async (ask: Ask): Promise<MediaStreamTrack[]> => {
    const devices = this.#mediaDevices;
    if (!devices) throw new Error('Camera and microphone need https');
    return (await devices.getUserMedia(ask)).getTracks();
  };

  readonly #look = (): void => {
    for (const device of this.#devices) device.look(!globalThis.document?.hidden);
  };

  // The stream

  /** Brings the stream to what is to be sent now, and stops what we need no more. */
  sync(): void {
    if (this.#isClosed) return;
    const shared = this.#screen?.getTracks() ?? [];
    const [sound, picture] = KINDS.map((kind) => shared.find((track) => track.kind === kind));
    const [microphone, camera] = this.#devices.map((device) => device.track);
    const now = [microphone, picture ?? camera].filter(Boolean) as MediaStreamTrack[];
    if (!this.stream && !now.length) return;
    const stream = (this.stream ??= new (this.#options.globals?.MediaStream ?? MediaStream)());
    for (const track of stream.getTracks()) if (!now.includes(track)) stream.removeTrack(track);
    for (const track of now) stream.addTrack(track);
    this.sound = sound;
    this.#show(stream);
    this.emit('localStream', { stream, sharing: this.isSharing });
    this.#dismiss([...shared, microphone, camera]);
  }

  /** Stops what we have opened and use no more. */
  #dismiss(used: unknown[]): void {
    for (const track of this.own) {
      if (used.includes(track)) continue;
      track.stop();
      this.own.delete(track);
    }
  }

  #show(stream: MediaStream): void {
    const el = this.#options.video?.el;
    if (!el) return;
    // Nobody wants to hear himself.
    Object.assign(el, { muted: true, playsInline: true, autoplay: true });
    // Without a picture it would keep the last one.
    const shown = stream.getVideoTracks().length ? stream : null;
    if (el.srcObject !== shown) el.srcObject = shown;
    if (shown) this.#play(el);
  }

  // Changes during a call

  /** @returns whether the camera or microphone is on now. */
  async enable(kind: Kind, on: boolean): Promise<boolean> {
    if (this.#isClosed) return false;
    const device = this.#devices.find((one) => one.kind === kind)!;
    const before = device.track;
    device.enable(on);
    if (before && !device.track) await this.#darken(before);
    if (on) await Promise.race([device.asking, this.#closed]);
    return !this.#isClosed && device.track?.readyState === 'live' && device.track.enabled;
  }

  /** A camera whose place nobody takes sends black first. */
  async #darken(track: MediaStreamTrack): Promise<void> {
    if (track.kind === 'video' && this.own.has(track)) {
      track.enabled = false;
      await within(DARK_MS);
    }
    this.sync();
  }

  /** The screen's picture in place of the camera's, and its sound beside the microphone's. */
  async shareScreen(given?: MediaStream): Promise<MediaStream> {
    const devices = this.#mediaDevices;
    if (!given && !devices?.getDisplayMedia) throw new Error('No screen can be shared here');
    const screen = given ?? (await devices!.getDisplayMedia({ video: true, audio: true }));
    const track = screen.getVideoTracks()[0];
    const opened = given ? [] : screen.getTracks();
    for (const one of opened) this.own.add(one);
    if (!track || this.#isClosed) {
      for (const one of opened) one.stop();
      throw new Error(track ? 'The client is closed' : 'No picture can be shared');
    }
    this.#screen = screen;
    track.addEventListener('ended', () => {
      if (this.#screen !== screen) return;
      this.stopSharing();
      this.emit('screenShareEnded', {});
    });
    this.sync();
    track.enabled = true;  // Whoever shares wants it seen, also with the camera off.
    return screen;
  }

  stopSharing(): void {
    if (!this.#screen) return;
    this.#screen = undefined;
    this.sync();
  }

  /** Uses these devices; `null` gives one up, what is left out stays. */
  setDevices(ids: {
    audioDeviceId?: string | null; videoDeviceId?: string | null;
  }): Promise<void> {
    const chosen = this.#choosing.then(async () => {
      const [microphone, camera] = this.#devices as [Device, Device];
      await this.#choose(microphone, ids.audioDeviceId);
      await this.#choose(camera, ids.videoDeviceId);
    });
    this.#choosing = chosen.catch(() => undefined);
    return chosen;
  }

  async #choose(device: Device, id: string | null | undefined): Promise<void> {
    if (id === undefined || this.#isClosed) return;
    const { track: old, turn } = device;
    if (id === null) {
      device.wanted = false;
      device.give();
      return old && this.#darken(old);
    }
    const wanted = { ...constraints(device.wanted), deviceId: { exact: id } };
    if (device.kind === 'video' && !device.isOn) {
      device.give();  // It is opened when it is turned on again.
      this.sync();
    } else {
      const track = await this.#exchange(device, wanted);
      const isLate = !this.#isClosed && device.turn !== turn;
      device.answer(turn, track, undefined);
      this.sync();
      if (isLate) throw new Error('Another was chosen');
    }
    device.wanted = wanted;
  }

  /** Many cameras, and phones above all, do not open one beside another. */
  async #exchange(device: Device, wanted: Wanted): Promise<MediaStreamTrack> {
    const { turn } = device;
    const get = async (): Promise<MediaStreamTrack> =>
      (await this.#get({ [device.kind]: wanted }))[0]!;
    return get().catch(async (busy) => {
      const old = device.track;
      if (!isBusy(busy) || !old || !this.own.has(old)) throw busy;
      const { deviceId } = old.getSettings();
      old.stop();
      return get().catch(async (err) => {
        if (device.turn === turn) {
          device.wanted = { ...constraints(device.wanted), ...(deviceId && { deviceId }) };
          device.open();
          await device.asking;
        }
        throw err;
      });
    });
  }

  /** Sends another stream's tracks, which stay the application's. */
  setStream(stream: MediaStream): void {
    if (this.#isClosed) return;
    const tracks = stream.getTracks();
    for (const device of this.#devices) {
      device.give(tracks.find((track) => track.kind === device.kind));
    }
    this.sync();
  }

  /** @returns whether any track of these kinds is on now. */
  toggle(kinds: readonly Kind[], enabled?: boolean): boolean {
    const tracks = (this.stream?.getTracks() ?? [])
      .filter((track) => kinds.includes(track.kind as Kind));
    const isOn = enabled ?? !tracks.some((track) => track.enabled);
    for (const track of tracks) track.enabled = isOn;
    return tracks.length > 0 && isOn;
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.abort();
    for (const device of this.#devices) device.give();
    this.#dismiss([]);
    const el = this.#options.video?.el;
    if (el && el.srcObject === this.stream) el.srcObject = null;
  }
}
