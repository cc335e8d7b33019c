import type { Address } from './address.js';
import type { Welcome } from './socket-types.js';

/** Before the credentials end, as a share of their life that is left. */
const RENEW_AT = 0.2;
const RETRY_MS = 30_000;
/** What `setTimeout` can wait. */
const TIMER_MAX_MS = 0x7fffffff;

/** The STUN and TURN servers, with credentials that are renewed before they end. */
export class IceServers {
  #learnt: RTCIceServer[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(
    private readonly address: Address,
    private readonly getToken: () => Promise<string>,
    private readonly options: { iceServers?: RTCIceServer[] },
    private readonly onChange: (servers: RTCIceServer[]) => void,
  ) {}

  get servers(): RTCIceServer[] {
    return [...(this.options.iceServers ?? []), ...this.#learnt];
  }

  learn(welcome: Welcome): void {
    this.#take(welcome.iceServers, welcome.iceServersExpireAt, welcome.serverTime);
  }

  /** Times are the server's, in seconds: this computer's clock may be wrong. */
  #take(servers: RTCIceServer[], expiresAt: number | undefined, now: number): void {
    this.#learnt = servers;
    this.onChange(this.servers);
    clearTimeout(this.#timer);
    if (expiresAt !== undefined) {
      this.#renewIn(Math.max(1, expiresAt - now) * 1000 * (1 - RENEW_AT));
    }
  }

  #renewIn(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#renew(), Math.min(ms, TIMER_MAX_MS));
  }

  async #renew(): Promise<void> {
    try {
      const token = await this.getToken();
      const answer = await fetch(this.address.route('/ice-servers'), {
        headers: { Authorization: `Bearer ${token}` }, credentials: 'omit', cache: 'no-store',
      });
      if (!answer.ok) throw new Error();
      const { iceServers, expiresAt } = await answer.json();
      const now = Date.parse(answer.headers.get('Date') ?? '') || Date.now();
      if (!this.#isClosed) this.#take(iceServers, expiresAt, now / 1000);
    } catch {
      this.#renewIn(RETRY_MS);  // The next welcome brings others too.
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }
}
