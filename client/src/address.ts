import { fill } from './request.js';

/** Where the signalling server is, for sockets and for requests. */
export class Address {
  readonly #base: URL;

  /** @throws TypeError for what is no URL that a page can connect to. */
  constructor(signallingServer = '') {
    // Outside of browsers there is no page.
    const page = globalThis.location as Location | undefined;
    let base: URL | undefined;
    try {
      base = new URL(signallingServer || '/signal', page?.href);
    } catch {
      // Told below.
    }
    if (!base || !/^(ws|http)s?:/.test(base.href)) {
      throw new TypeError(`signallingServer must be a ws, wss, http or https URL${
        page ? '' : ' where there is no page'}`);
    }
    this.#base = base;
  }

  /** The socket's URL; `token` stands in it in the classic dialect alone. */
  socket(parameters: { token?: string; client?: string }): string {
    const url = new URL(this.#base);
    url.protocol = url.protocol.replace('http', 'ws');
    url.hash = '';
    fill(url.searchParams, parameters);
    return url.href;
  }

  /**
   * A route of the HTTP service, below the path that a proxy has put before all of it: a last
   * `/signal` names the socket alone, beside which the others are.
   */
  route(path: string): string {
    const { protocol, host, pathname } = this.#base;
    const prefix = pathname.replace(/\/+$/, '').replace(/\/signal$/, '');
    return `${protocol.replace('ws', 'http')}//${host}${prefix}${path}`;
  }

  /** Whether this is the socket's server, by what a broken policy of the page says. */
  isSocket(blocked: string): boolean {
    return /^ws/.test(blocked) && blocked.split('/')[2] === this.#base.host;
  }
}
