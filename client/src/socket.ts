import type { Address } from './address.js';
import { backoff } from './backoff.js';
import { check as ask } from './check.js';
import { explain } from './codes.js';
import { Liveness } from './liveness.js';
import { parse } from './request.js';
import { initial, transition } from './socket-state.js';
import type { Actions, Call, Events, Json, State, TimerName } from './socket-types.js';
import { problem, TokenProblem } from './token.js';
import type { Dialect, EventName, WebRtcClientEvents, WebRtcClientOptions } from './types.js';

/** What is left to whoever has a socket. */
export type SocketDelegate =
  Pick<Actions, 'emit' | 'onWelcome' | 'onFresh' | 'onResumed' | 'onEvent'>
  /** It is over; why is told next. */
  & { onEnd(): void };

/** How long a handshake may take, until the server has said its first. */
const PATIENCE_MS = 20_000;
/** After which a socket that failed will not say so any more. */
const SILENT_MS = 1_000;
/** `readyState` of a WebSocket that stands. */
const OPEN = 1;
/** Browsers report a connection that was lost, or never stood, with this code. */
const LOST = 1006;

/**
 * One conversation with the server over as many WebSockets as it takes. What is to be done
 * `socket-state.ts` decides; this does it.
 */
export class SignalSocket implements Omit<Actions, keyof SocketDelegate> {
  /** With the secret of the session, as long as it may go on. */
  now: State;
  #socket: WebSocket | undefined;
  #token = '';
  /** How often a token was asked for: an answer counts only for the last time. */
  #asked = 0;
  readonly #address: Address;
  readonly #options: WebRtcClientOptions;
  readonly #getToken: () => Promise<string>;
  readonly #delegate: SocketDelegate;
  readonly #timers: Partial<Record<TimerName, ReturnType<typeof setTimeout>>> = {};
  readonly #liveness = new Liveness(() => {
    const isAsked = this.now.dialect === 'v1' && this.now.phase === 'open';
    if (isAsked) this.write({ action: 'ping' });
    return isAsked;
  }, () => this.#lose());
  readonly #events: [now: number, event: Call<Events>][] = [];
  #isBusy = false;

  constructor(
    address: Address, options: WebRtcClientOptions, getToken: () => Promise<string>,
    delegate: SocketDelegate,
  ) {
    this.#address = address;
    this.#options = options;
    this.#getToken = getToken;
    this.#delegate = delegate;
    this.now = initial(options.dialect ?? 'v1');
  }

  start(session?: string, seq?: number): void {
    this.#listen('addEventListener');
    this.#take('start', session, seq);
  }

  say(message: Json): void {
    this.#take('say', message);
  }

  /** Ends the session: the others are told at once. */
  close(): void {
    // What is still to be told of the last event interests nobody.
    this.now.effects = [];
    this.#take('close');
  }

  /** One event after the other: what a listener does meanwhile comes after what it was told. */
  #take(...event: Call<Events>): void {
    this.#events.push([Date.now(), event]);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      this.now = transition(this.now, ...next);
      for (let one = this.now.effects.shift(); one; one = this.now.effects.shift()) {
        const [name, ...args] = one;
        try {
          const actor = (name in this ? this : this.#delegate) as SocketDelegate & this;
          (actor[name] as (...args: unknown[]) => void)(...args);
        } catch (err) {
          setTimeout(() => { throw err; });
        }
      }
    }
    this.#isBusy = false;
  }

  // What is to be done

  end(): void {
    this.#asked += 1;
    this.drop(1000);
    this.#liveness.stop();
    this.#listen('removeEventListener');
    this.#delegate.onEnd();
  }

  later(
    name: 'retry' | 'rejoin' | 'refresh', leastMs: number, attempt = 0, minMs = 0, mostMs?: number,
    drainMs?: number,
  ): void {
    const delayMs = Math.round(leastMs + (drainMs ? Math.random() * drainMs
      : attempt && backoff(attempt, minMs, mostMs)));
    this.#wait(name, delayMs, () => this.#take(name));
    if (name === 'retry') this.emit('reconnecting', { attempt, delayMs });
  }

  /** What was said of a problem may hold the token. */
  emit<Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]): void {
    const { message } = detail as { message?: string };
    this.#delegate.emit(type, message && this.#token
      ? { ...detail, message: message.replaceAll(this.#token, '…') } : detail);
  }

  #wait(name: TimerName, ms: number, then: () => void): void {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(then, ms);
  }

  // Tokens, and what the server says without a socket

  getToken(then: 'token' | 'refreshed'): void {
    const mine = (this.#asked += 1);
    const isLast = (): boolean => mine === this.#asked;
    this.#getToken().then((token) => {
      if (!isLast()) return;
      this.#token = token;
      this.#take(then, token);
    }, (err: TokenProblem) => {
      if (isLast()) this.#take('noToken', err);
    });
  }

  async check(): Promise<void> {
    const { clientId: client, sessionId: room } = this.#options;
    this.#take('checked', ...await ask(this.#address, { token: this.#token, client, room }));
  }

  // The socket

  open(dialect: Dialect, token: string): void {
    const { clientId: client, globals } = this.#options;
    const Socket = globals?.WebSocket ?? WebSocket;
    let socket: WebSocket;
    try {
      socket = dialect === 'v1'
        ? new Socket(this.#address.socket({ client }), ['usher.v1', `usher.bearer.${token}`])
        : new Socket(this.#address.socket({ token, client }));
    } catch (err) {
      // What the browser says of it may hold the token.
      const code = 'token_malformed';
      return (err as Error).name === 'SyntaxError'
        ? this.#take('noToken', problem(code, explain(code, 'unfit for a subprotocol')))
        : this.#take('blocked');
    }
    this.#socket = socket;
    this.#liveness.heard();
    this.#wait('stalled', PATIENCE_MS, () => {
      if (this.now.phase !== 'open') this.#lose();
    });
    socket.onopen = () => this.#take('opened', socket.protocol);
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#take('closed', code, reason);
    // Chromium closes nothing where the page's policy forbids the socket.
    socket.onerror = () => this.#wait('stalled', SILENT_MS, () => this.#lose(''));
  }

  #hear(text: string): void {
    this.#liveness.heard();
    const { type, data, seq } = parse(text);
    // Anything else is of no server that we know; nothing to be done about it.
    if (typeof type === 'string') {
      this.#take('message', type, Object(data), Number(seq) || undefined);
    }
  }

  write(message: Json): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }

  #lose(reason = 'no answer'): void {
    this.#take('closed', LOST, reason);
  }

  drop(code?: number): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close(code);
    }
    this.#liveness.forgetPing();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  /** Finds out whether the connection is alive. */
  ping(): void {
    this.#liveness.check();
  }

  // What the page hears

  #listen(how: 'addEventListener' | 'removeEventListener'): void {
    globalThis[how]?.('online', this.#onAwake);
    globalThis.document?.[how]('visibilitychange', this.#onAwake);
    globalThis.document?.[how]('securitypolicyviolation', this.#onViolation);
  }

  readonly #onAwake = ({ type }: { type: string }): void => {
    if (type === 'online' || !document.hidden) this.#take('awake');
  };

  readonly #onViolation = (event: Event): void => {
    const { blockedURI, disposition } = event as SecurityPolicyViolationEvent;
    if (disposition === 'enforce' && this.#address.isSocket(blockedURI)) this.#take('blocked');
  };
}
