import type { Address } from './address.js';
import type { Welcome } from './socket-types.js';

/** Before the credentials end, as a share of their life that is left. */
const RENEW_AT = 0.2;
const RETRY_MS = 30_000;
/** What `setTimeout` can wait. */
const TIMER_MAX_MS = 0x7fffffff;

/** The STUN and TURN servers, with credentials that are renewed before they end. */
export class IceServers {
  private learnt: RTCIceServer[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(
    private readonly address: Address,
    private readonly getToken: () => Promise<string>,
    private readonly options: { iceServers?: RTCIceServer[] },
    private readonly onChange: (servers: RTCIceServer[]) => void,
  ) {}

  get servers(): RTCIceServer[] {
    return [...(this.options.iceServers ?? []), ...this.learnt];
  }

  learn(welcome: Welcome): void {
    this.take(welcome.iceServers, welcome.iceServersExpireAt, welcome.serverTime);
  }

  /** Times are the server's, in seconds: this computer's clock may be wrong. */
  private take(servers: RTCIceServer[], expiresAt: number | undefined, now: number): void {
    this.learnt = servers;
    this.onChange(this.servers);
    clearTimeout(this.timer);
    if (expiresAt === undefined || this.isClosed) return;
    const ms = Math.max(1, expiresAt - now) * 1000 * (1 - RENEW_AT);
    this.timer = setTimeout(() => void this.renew(), Math.min(ms, TIMER_MAX_MS));
  }

  private async renew(): Promise<void> {
    try {
      const token = await this.getToken();
      const answer = await fetch(this.address.route('/ice-servers'), {
        headers: { Authorization: `Bearer ${token}` }, credentials: 'omit', cache: 'no-store',
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { iceServers, expiresAt } =
        (await answer.json()) as { iceServers: RTCIceServer[]; expiresAt?: number };
      const now = Date.parse(answer.headers.get('Date') ?? '') / 1000 || Date.now() / 1000;
      if (!this.isClosed) this.take(iceServers, expiresAt, now);
    } catch {
      // The next welcome brings others too.
      if (!this.isClosed) this.timer = setTimeout(() => void this.renew(), RETRY_MS);
    }
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }
}
