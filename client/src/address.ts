/** The last part of a path that names the socket alone, beside which the other routes are. */
const SOCKET = '/signal';

/** Where the signalling server is, for sockets and for requests. */
export class Address {
  private readonly base: URL;

  /** @throws TypeError for what is no URL that a page can connect to. */
  constructor(signallingServer: string | undefined) {
    // Outside of browsers there is no page.
    const page = globalThis.location as Location | undefined;
    if (!signallingServer && !page) {
      throw new TypeError('signallingServer must be given where no page has an origin');
    }
    const text = signallingServer || SOCKET;
    let base: URL;
    try {
      base = new URL(text, page?.href);
    } catch {
      throw new TypeError(`signallingServer is no URL: ${text}`);
    }
    if (!['ws:', 'wss:', 'http:', 'https:'].includes(base.protocol)) {
      throw new TypeError(`signallingServer must be a ws, wss, http or https URL, not ${text}`);
    }
    this.base = base;
  }

  /** The socket's URL; `token` stands in it in the classic dialect alone. */
  socket(parameters: { token?: string; client?: string }): string {
    const url = new URL(this.base.href);
    url.protocol = this.base.protocol.replace(/^http/, 'ws');
    url.hash = '';
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url.href;
  }

  /** A route of the HTTP service, below the path that a proxy has put before all of it. */
  route(path: string): string {
    const url = new URL(this.base.href);
    url.protocol = this.base.protocol.replace(/^ws/, 'http');
    const prefix = url.pathname.replace(/\/+$/, '').replace(/\/signal$/, '');
    return url.origin + prefix + path;
  }

  /** Whether this is the socket's server, by what a broken policy of the page says. */
  isSocket(blocked: string): boolean {
    try {
      const { protocol, host } = new URL(blocked);
      return /^wss?:$/.test(protocol) && host === this.base.host;
    } catch {
      return false;
    }
  }
}
