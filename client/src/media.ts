import type { VideoOptions } from './types';

export interface MediaDelegate {
  onStream(): void;
  onNoMedia(err: unknown): void;
  onScreenShareEnded(): void;
}

/** Camera, microphone and screen of this page: one stream, whose tracks change. */
export class LocalMedia {
  /** nil until there is something to send. */
  stream: MediaStream | undefined;
  private camera: MediaStreamTrack | undefined;
  private screen: MediaStream | undefined;
  private readonly isOwn: boolean;
  private isClosed = false;
  private audio: boolean | MediaTrackConstraints;
  private video: boolean | MediaTrackConstraints;

  constructor(
    private readonly options: VideoOptions | undefined, stream: MediaStream | undefined,
    private readonly delegate: MediaDelegate,
  ) {
    this.isOwn = !stream;
    this.audio = options?.audio ?? false;
    this.video = options?.video ?? false;
    if (stream) this.adopt(stream);
    navigator.mediaDevices?.addEventListener?.('devicechange', this.onDeviceChange);
  }

  get isSharing(): boolean {
    return this.screen !== undefined;
  }

  private adopt(stream: MediaStream): void {
    this.stream = stream;
    this.camera = stream.getVideoTracks()[0];
    this.show();
  }

  /** Asks for what the options say. */
  async open(): Promise<void> {
    if (this.stream || (!this.audio && !this.video)) return;
    try {
      const stream = await this.ask();
      if (this.isClosed) return stop(stream);
      this.adopt(stream);
      this.delegate.onStream();
    } catch (err) {
      if (!this.isClosed) this.delegate.onNoMedia(err);
    }
  }

  /** Everything, or the microphone alone, or the camera alone. */
  private async ask(): Promise<MediaStream> {
    const devices = navigator.mediaDevices;
    if (!devices) throw new Error('Browsers give camera and microphone to https pages only');
    const { audio, video } = this;
    try {
      return await devices.getUserMedia({ audio, video });
    } catch (err) {
      if (!audio || !video) throw err;
      try {
        return await devices.getUserMedia({ audio });
      } catch {
        return await devices.getUserMedia({ video }).catch(() => { throw err; });
      }
    }
  }

  private show(): void {
    const el = this.options?.el;
    if (!el || !this.stream) return;
    el.muted = true;  // Nobody wants to hear himself.
    el.playsInline = true;
    el.autoplay = true;
    if (el.srcObject !== this.stream) el.srcObject = this.stream;
    el.play().catch(() => undefined);
  }

  // Changes during a call

  /** Puts a track in the place of that of its kind; the old one is not stopped. */
  private put(kind: 'audio' | 'video', track: MediaStreamTrack | undefined): void {
    const stream = (this.stream ??= new MediaStream());
    for (const old of stream.getTracks().filter((one) => one.kind === kind)) {
      if (old === track) continue;
      stream.removeTrack(old);
      if (track) track.enabled = old.enabled;
    }
    if (track && !stream.getTracks().includes(track)) stream.addTrack(track);
    this.show();
    this.delegate.onStream();
  }

  async shareScreen(given?: MediaStream): Promise<MediaStream> {
    const screen = given ?? (await navigator.mediaDevices.getDisplayMedia({ video: true }));
    const track = screen.getVideoTracks()[0];
    if (!track) throw new Error('What is to be shared has no picture');
    if (this.isClosed) {
      stop(screen);
      throw new Error('The client is closed');
    }
    this.stopSharing();
    this.screen = screen;
    track.addEventListener('ended', () => {
      if (this.screen !== screen) return;
      this.stopSharing();
      this.delegate.onScreenShareEnded();
    });
    this.put('video', track);
    track.enabled = true;  // Whoever shares wants it seen, also with the camera off.
    return screen;
  }

  stopSharing(): void {
    const screen = this.screen;
    if (!screen) return;
    this.screen = undefined;
    const camera = this.camera?.readyState === 'live' ? this.camera : undefined;
    const isOn = camera?.enabled;
    this.put('video', camera);
    if (camera && isOn !== undefined) camera.enabled = isOn;
    stop(screen);
  }

  /** Uses these devices; `null` gives one up, what is left out stays. */
  async setDevices(ids: {
    audioDeviceId?: string | null; videoDeviceId?: string | null;
  }): Promise<void> {
    await this.choose('audio', ids.audioDeviceId);
    await this.choose('video', ids.videoDeviceId);
  }

  private async choose(kind: 'audio' | 'video', id: string | null | undefined): Promise<void> {
    if (id === undefined) return;
    const wanted = id === null ? false : { ...constraints(this[kind]), deviceId: { exact: id } };
    const old = kind === 'video' ? this.camera : this.stream?.getAudioTracks()[0];
    let track: MediaStreamTrack | undefined;
    if (wanted) {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted });
      if (this.isClosed) return stop(stream);
      track = stream.getTracks()[0];
    }
    this[kind] = wanted;
    if (kind === 'video') this.camera = track;
    if (kind === 'audio' || !this.screen) this.put(kind, track);
    if (this.isOwn && old && old !== track) old.stop();
  }

  /** Sends another stream's tracks. */
  setStream(stream: MediaStream): void {
    this.camera = stream.getVideoTracks()[0];
    if (!this.screen) this.put('video', this.camera);
    this.put('audio', stream.getAudioTracks()[0]);
  }

  /** A device that is pulled out ends its track; the default one takes its place. */
  private readonly onDeviceChange = (): void => {
    if (!this.isOwn || this.isClosed) return;
    const lost = [this.camera, this.stream?.getAudioTracks()[0]]
      .filter((track) => track?.readyState === 'ended');
    for (const track of lost) void this.replace(track!.kind as 'audio' | 'video');
  };

  private async replace(kind: 'audio' | 'video'): Promise<void> {
    try {
      const { deviceId: _, ...rest } = constraints(this[kind]);
      const wanted = Object.keys(rest).length ? rest : true;
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted });
      if (this.isClosed) return stop(stream);
      const track = stream.getTracks()[0];
      if (kind === 'video') this.camera = track;
      if (kind === 'audio' || !this.screen) this.put(kind, track);
    } catch (err) {
      this.delegate.onNoMedia(err);
    }
  }

  /** @returns whether any track of these kinds is on now. */
  toggle(kinds: ('audio' | 'video')[], enabled?: boolean): boolean {
    const tracks = (this.stream?.getTracks() ?? [])
      .filter((track) => kinds.includes(track.kind as 'audio' | 'video'));
    const isOn = enabled ?? !tracks.some((track) => track.enabled);
    for (const track of tracks) track.enabled = isOn;
    return tracks.length > 0 && isOn;
  }

  close(): void {
    this.isClosed = true;
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.onDeviceChange);
    if (this.screen) stop(this.screen);
    if (this.isOwn) {
      if (this.stream) stop(this.stream);
      this.camera?.stop();
    }
    const el = this.options?.el;
    if (el && el.srcObject === this.stream) el.srcObject = null;
  }
}

function constraints(wanted: boolean | MediaTrackConstraints): MediaTrackConstraints {
  return typeof wanted === 'object' ? wanted : {};
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
