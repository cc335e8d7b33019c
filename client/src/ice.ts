import type { Address } from './address.js';
import { request } from './request.js';
import type { Welcome } from './socket-types.js';

/** Before the credentials end, as a share of their life that is left. */
const RENEW_AT = 0.2;
const RETRY_MS = 30_000;
/** What `setTimeout` can wait. */
const TIMER_MAX_MS = 0x7fffffff;

export interface IceServers {
  servers(): RTCIceServer[];
  learn(welcome: Welcome): void;
  close(): void;
}

/**
 * The STUN and TURN servers, with credentials that are renewed before they end.
 *
 * @param own Those of the page, in front of the server's.
 */
export function iceServers(
  address: Address, getToken: () => Promise<string>, own: RTCIceServer[],
  onChange: (servers: RTCIceServer[]) => void,
): IceServers {
  let all = own;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const renewIn = (ms: number): void => {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(() => void renew(), Math.min(ms, TIMER_MAX_MS));
  };

  /** Times are the server's, in seconds: this computer's clock may be wrong. */
  const take = (servers: RTCIceServer[], expiresAt: number | undefined, now: number): void => {
    clearTimeout(timer);
    if (isClosed) return;
    all = [...own, ...servers];
    onChange(all);
    if (expiresAt) renewIn(Math.max(1, expiresAt - now) * 1000 * (1 - RENEW_AT));
  };

  const renew = async (): Promise<void> => {
    try {
      const headers = { Authorization: `Bearer ${await getToken()}` };
      const { said, now } = (await request(
        address.route('/ice-servers'), { headers, credentials: 'omit' }))!;
      // A refusal tells of none.
      take(said.iceServers, said.expiresAt, now / 1000);
    } catch {
      renewIn(RETRY_MS);  // The next welcome brings others too.
    }
  };

  return {
    servers: () => all,
    learn: (welcome) =>
      take(welcome.iceServers, welcome.iceServersExpireAt, welcome.serverTime),
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
