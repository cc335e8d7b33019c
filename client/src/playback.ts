/** Browsers play no sound in a page that nobody has clicked in: says so, and begins again. */
export class Playback {
  /** What the application, or the client, has handed over. */
  readonly #attached = new Set<HTMLMediaElement>();
  readonly #blocked = new Set<HTMLMediaElement>();
  #isTold = false;
  readonly #streams: () => MediaStream[];
  readonly #onBlocked: () => void;

  /**
   * @param streams What peers send.
   * @param onBlocked Something is not played; once until all of it is.
   */
  constructor(streams: () => MediaStream[], onBlocked: () => void) {
    this.#streams = streams;
    this.#onBlocked = onBlocked;
  }

  /** Plays a stream in an element; `null` ends that. @returns whether it plays. */
  async attach(el: HTMLMediaElement, stream: MediaStream | null): Promise<boolean> {
    if (el.srcObject !== stream) el.srcObject = stream;
    if (!stream) {
      this.#attached.delete(el);
      this.#blocked.delete(el);
      return false;
    }
    this.#attached.add(el);
    (el as HTMLVideoElement).playsInline = true;
    return this.play(el);
  }

  async play(el: HTMLMediaElement): Promise<boolean> {
    try {
      await el.play();
      this.#blocked.delete(el);
      return true;
    } catch (err) {
      // Anything else is no rule of the browser: another stream came, or the element is gone.
      if ((err as Error).name === 'NotAllowedError') {
        this.#blocked.add(el);
        const isTold = this.#isTold;
        this.#isTold = true;
        if (!isTold) this.#onBlocked();
      }
      return false;
    }
  }

  /** A peer's track came: listeners have put it into elements of the page, which may be blocked. */
  watch(track: MediaStreamTrack): void {
    const look = (): void => {
      const streams: unknown[] = this.#streams();
      const all = globalThis.document?.querySelectorAll<HTMLMediaElement>('audio, video') ?? [];
      // Those that want to play and do not.
      for (const el of all) {
        if (streams.includes(el.srcObject) && el.autoplay && el.paused) void this.play(el);
      }
    };
    setTimeout(look);
    track.addEventListener('unmute', look, { once: true });
  }

  /** To be called in a click or key press. @returns whether everything plays. */
  async start(): Promise<boolean> {
    // What is sent no more would never begin.
    const all = [...new Set([...this.#blocked, ...this.#attached])]
      .filter((el) => el.paused && (el.srcObject as MediaStream | null)?.active);
    this.#blocked.clear();
    const plays = await Promise.all(all.map((el) => this.play(el)));
    this.#isTold = this.#blocked.size > 0;
    return plays.every(Boolean);
  }
}
