/** Browsers play no sound in a page that nobody has clicked in: says so, and begins again. */
export class Playback {
  /** What the application, or the client, has handed over. */
  private readonly attached = new Set<HTMLMediaElement>();
  private readonly blocked = new Set<HTMLMediaElement>();
  private isTold = false;

  /**
   * @param streams What peers send.
   * @param onBlocked Something is not played; once until all of it is.
   */
  constructor(
    private readonly streams: () => MediaStream[], private readonly onBlocked: () => void,
  ) {}

  /** Plays a stream in an element; `null` ends that. @returns whether it plays. */
  attach(el: HTMLMediaElement, stream: MediaStream | null): Promise<boolean> {
    if (el.srcObject !== stream) el.srcObject = stream;
    if (!stream) {
      this.attached.delete(el);
      this.blocked.delete(el);
      return Promise.resolve(false);
    }
    this.attached.add(el);
    (el as HTMLVideoElement).playsInline = true;
    return this.play(el);
  }

  async play(el: HTMLMediaElement): Promise<boolean> {
    try {
      await el.play();
      this.blocked.delete(el);
      return true;
    } catch (err) {
      // Anything else is no rule of the browser: another stream came, or the element is gone.
      if ((err as Error).name === 'NotAllowedError') {
        this.blocked.add(el);
        this.tell();
      }
      return false;
    }
  }

  private tell(): void {
    if (this.isTold) return;
    this.isTold = true;
    this.onBlocked();
  }

  /** A peer's track came: listeners have put it into elements of the page, which may be blocked. */
  watch(track: MediaStreamTrack): void {
    const look = (): void => void this.look();
    setTimeout(look);
    track.addEventListener('unmute', look, { once: true });
  }

  /** Of elements in the document, those that want to play and do not. */
  private look(): void {
    const streams = this.streams();
    const all = globalThis.document?.querySelectorAll<HTMLMediaElement>('audio, video');
    for (const el of all ?? []) {
      const isOurs = streams.includes(el.srcObject as MediaStream);
      if (isOurs && el.autoplay && el.paused) void this.play(el);
    }
  }

  /** To be called in a click or key press. @returns whether everything plays. */
  async start(): Promise<boolean> {
    // What is sent no more would never begin.
    const all = [...new Set([...this.blocked, ...this.attached])]
      .filter((el) => el.paused && (el.srcObject as MediaStream | null)?.active);
    this.blocked.clear();
    const plays = await Promise.all(all.map((el) => this.play(el)));
    this.isTold = this.blocked.size > 0;
    return plays.every(Boolean);
  }
}
