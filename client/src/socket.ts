import type { Address } from './address.js';
import { backoff } from './backoff.js';
import { check as ask } from './check.js';
import type { Failure } from './codes.js';
import { parse } from './request.js';
import { checkData } from './sending.js';
import { initial, limitsOf, LOST, transition } from './socket-state.js';
import type { Actions, Call, Events, Json, State, TimerName } from './socket-types.js';
import type { Dialect, EventName, WebRtcClientEvents, WebRtcClientOptions } from './types.js';

/** What is left to whoever has a socket. */
export type SocketDelegate =
  Pick<Actions, 'emit' | 'onWelcome' | 'onFresh' | 'onEvent'>
  /** It is over; why is told next. */
  & { onEnd(): void };

/** How long a handshake may take, until the server has said its first. */
const PATIENCE_MS = 20_000;
/** After which a socket that failed will not say so any more. */
const SILENT_MS = 1_000;
/** `readyState` of a WebSocket that stands. */
const OPEN = 1;
/** How long the answer to a ping may take, and how often to see whether one is due. */
const PONG_MS = 5_000;
const TICK_MS = 15_000;
/** What an `ack` adds to a message at most. */
const ACK_BYTES = 24;

/**
 * One conversation with the server over as many WebSockets as it takes. What is to be done
 * `socket-state.ts` decides; this does it.
 */
export class SignalSocket implements Omit<Actions, keyof SocketDelegate> {
  /** With the secret of the session, as long as it may go on. */
  declare now: State;
  #socket: WebSocket | undefined;
  #token = '';
  /** For a token: an answer counts only for the last time. */
  #asked: Promise<string> | undefined;
  readonly #address: Address;
  readonly #options: WebRtcClientOptions;
  readonly #getToken: () => Promise<string>;
  readonly #delegate: SocketDelegate;
  readonly #timers: Partial<Record<TimerName, ReturnType<typeof setTimeout>>> = {};
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

  /**
   * What becomes of the message afterwards changes nothing.
   *
   * @param most So many may wait to be acknowledged: any number where it is absent.
   * @throws TypeError for what cannot be sent, and an Error where too much waits.
   */
  say(message: Json, most?: number): void {
    const text = JSON.stringify(message);
    checkData(text, (limitsOf(this.now).maxMessageBytes || Infinity) - ACK_BYTES, 'server');
    if (this.#events.length + this.now.outbox.length >= most!) {
      throw new Error('Too much waits');
    }
    this.#take('say', parse(text));
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
    let next, one;
    while ((next = this.#events.shift())) {
      this.now = transition(this.now, ...next);
      while ((one = this.now.effects.shift())) {
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
    this.#asked = undefined;
    this.drop(1000);
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
    const asked = this.#asked = this.#getToken();
    asked.then((token) => {
      if (asked !== this.#asked) return;
      this.#token = token;
      this.#take(then, token);
    }, (err: Failure) => {
      if (asked === this.#asked) this.#take('noToken', err);
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
      return (err as Error).name === 'SyntaxError'
        ? this.#take('noToken', { code: 'token_malformed', said: 'unfit for a subprotocol' })
        : this.#take('blocked');
    }
    this.#socket = socket;
    this.#timers.tick = setInterval(() => this.#take('tick'), TICK_MS);
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
    clearTimeout(this.#timers.pong);
    const { type, data, seq } = parse(text);
    // Anything else is of no server that we know; nothing to be done about it.
    if (typeof type === 'string') {
      this.#take('message', type, Object(data), [seq].find(Number.isInteger));
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
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  ping(): void {
    this.write({ action: 'ping' });
    this.#wait('pong', PONG_MS, () => this.#lose());
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
