const LIVENESS_MS = 45_000;
const PONG_MS = 5_000;

/** Finds out whether a connection is alive: a browser may not notice for minutes. */
export class Liveness {
  #heardAt = 0;
  #pongTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #interval = setInterval(() => {
    if (Date.now() - this.#heardAt > LIVENESS_MS) this.check();
  }, LIVENESS_MS / 3);

  /**
   * @param ping Asks the other side for a sign of life; false where there is nobody to ask.
   * @param onSilence Nothing came back.
   */
  constructor(private readonly ping: () => boolean, private readonly onSilence: () => void) {}

  heard(): void {
    this.#heardAt = Date.now();
    this.forgetPing();
  }

  check(): void {
    if (this.#pongTimer !== undefined || !this.ping()) return;
    this.#pongTimer = setTimeout(this.onSilence, PONG_MS);
  }

  forgetPing(): void {
    clearTimeout(this.#pongTimer);
    this.#pongTimer = undefined;
  }

  stop(): void {
    this.forgetPing();
    clearInterval(this.#interval);
  }
}
