import type { Address } from './address.js';
import { backoff } from './backoff.js';
import { explain } from './codes.js';
import { Liveness } from './liveness.js';
import { check } from './probe.js';
import { clientState, initial, LOST, transition } from './socket-state.js';
import type { Effect, Event, Json, State, Told } from './socket-types.js';
import { TokenError } from './token.js';
import type { ClientState, Dialect, ProblemCode, SocketProblem } from './types.js';

export type SocketDelegate = { [Name in keyof Told]: (what: Told[Name]) => void } & {
  onState(state: ClientState): void;
  onReconnecting(attempt: number, delayMs: number): void;
};

export interface SocketSettings {
  address: Address;
  clientId: string | undefined;
  room: string;
  getToken(): Promise<string>;
  dialect: Dialect | 'auto';
  /** Where the platform has none of its own. */
  WebSocket?: typeof WebSocket;
}

type TimerName = 'retry' | 'rejoin' | 'refresh' | 'stalled' | 'failed';
type Unstamped<E> = E extends unknown ? Omit<E, 'now'> : never;

/** How long a handshake may take, until the server has said its first. */
const PATIENCE_MS = 20_000;
/** After which a socket that failed will not say so any more. */
const SILENT_MS = 1_000;
/** `readyState` of a WebSocket that stands. */
const OPEN = 1;

/**
 * One conversation with the server over as many WebSockets as it takes. What is to be done
 * `socket-state.ts` decides; this does it.
 */
export class SignalSocket {
  private now: State;
  private socket: WebSocket | undefined;
  private token = '';
  /** How often a token was asked for: an answer counts only for the last time. */
  private asked = 0;
  private readonly timers = new Map<TimerName, ReturnType<typeof setTimeout>>();
  private readonly liveness = new Liveness(() => this.ping(), () => this.lose('nothing was heard'));
  private readonly events: Event[] = [];
  private effects: Effect[] = [];
  private isBusy = false;

  constructor(
    private readonly settings: SocketSettings, private readonly delegate: SocketDelegate,
  ) {
    this.now = initial(settings.dialect);
  }

  get state(): ClientState {
    return clientState(this.now);
  }

  get isV1(): boolean {
    return this.now.dialect === 'v1';
  }

  /** Its secret, as long as it may go on. */
  get session(): string | undefined {
    return this.now.session;
  }

  get seq(): number {
    return this.now.seq;
  }

  start(kept?: { session: string; seq: number }): void {
    globalThis.addEventListener?.('online', this.onAwake);
    globalThis.document?.addEventListener('visibilitychange', this.onAwake);
    globalThis.document?.addEventListener('securitypolicyviolation', this.onViolation);
    this.take({ type: 'start', session: kept?.session, seq: kept?.seq });
  }

  say(message: Json): void {
    this.take({ type: 'say', message });
  }

  /** Ends the session: the others are told at once. */
  close(): void {
    // What is still to be told of the last event interests nobody.
    this.effects.length = 0;
    this.take({ type: 'close' });
  }

  /** One event after the other: what a listener does meanwhile comes after what it was told. */
  private take(event: Unstamped<Event>): void {
    this.events.push({ ...event, now: Date.now() } as Event);
    if (this.isBusy) return;
    this.isBusy = true;
    for (let next = this.events.shift(); next; next = this.events.shift()) {
      const before = this.state;
      const { state, effects } = transition(this.now, next);
      this.now = state;
      this.effects = [...effects];
      for (let one = this.effects.shift(); one; one = this.effects.shift()) this.safely(one);
      if (this.state !== before) this.delegate.onState(this.state);
    }
    this.isBusy = false;
  }

  private safely(effect: Effect): void {
    try {
      this.perform(effect);
    } catch (err) {
      setTimeout(() => { throw err; });
    }
  }

  private perform(effect: Effect): void {
    switch (effect.do) {
      case 'getToken': return this.ask((token) => this.take({ type: 'token', token }));
      case 'refresh': return this.ask((token) => this.take({ type: 'refreshed', token }));
      case 'open': return this.open(effect.dialect, effect.token);
      case 'write': return this.write(effect.message);
      case 'check': return void this.check();
      case 'ping': return this.liveness.check();
      case 'drop': return this.drop();
      case 'end': return this.end();
      case 'retry': return this.retry(effect);
      case 'wait':
        return this.wait(effect.for, effect.ms ?? backoff(effect.attempt ?? 1, 1_000),
          () => this.take({ type: effect.for }));
      case 'tell': {
        const { name, what } = effect;
        if (name === 'onFresh' || name === 'onResumed') this.stop('stalled');
        return (this.delegate[name] as (one: unknown) => void)(
          name === 'onProblem' ? this.withoutToken(what as SocketProblem) : what);
      }
    }
  }

  private withoutToken(problem: SocketProblem): SocketProblem {
    const { token } = this;
    return token ? { ...problem, message: problem.message.split(token).join('…') } : problem;
  }

  // Timers

  private wait(name: TimerName, ms: number, then: () => void): void {
    this.stop(name);
    this.timers.set(name, setTimeout(then, ms));
  }

  private stop(name: TimerName): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }

  private retry({ attempt, minMs, mostMs, drainMs }: Extract<Effect, { do: 'retry' }>): void {
    const delayMs = Math.round(drainMs === undefined
      ? backoff(attempt, minMs, mostMs) : Math.random() * drainMs);
    this.wait('retry', delayMs, () => this.take({ type: 'retry' }));
    this.delegate.onReconnecting(attempt, delayMs);
  }

  // Tokens, and what the server says without a socket

  private ask(then: (token: string) => void): void {
    const mine = (this.asked += 1);
    const isLast = (): boolean => mine === this.asked;
    this.settings.getToken().then((token) => {
      if (!isLast()) return;
      this.token = token;
      then(token);
    }, (err) => {
      if (isLast()) this.take({ type: 'noToken', err, ...tokenProblem(err) });
    });
  }

  private async check(): Promise<void> {
    const { address, clientId: client, room } = this.settings;
    const answer = await check(address, { token: this.token, client, room });
    this.take({ type: 'checked', answer });
  }

  // The socket

  private open(dialect: Dialect, token: string): void {
    const { address, clientId: client, WebSocket = globalThis.WebSocket } = this.settings;
    let socket: WebSocket;
    try {
      socket = dialect === 'v1'
        ? new WebSocket(address.socket({ client }), ['usher.v1', `usher.bearer.${token}`])
        : new WebSocket(address.socket({ token, client }));
    } catch (err) {
      // What the browser says of it may hold the token.
      if (!(err instanceof DOMException && err.name === 'SyntaxError')) {
        return this.take({ type: 'blocked' });
      }
      const code = 'token_malformed';
      const message = explain(code, 'it can stand in no subprotocol');
      return this.take({ type: 'noToken', code, message });
    }
    this.socket = socket;
    this.liveness.heard();
    this.wait('stalled', PATIENCE_MS, () => this.lose('the server did not answer'));
    socket.onopen = () => this.take({ type: 'opened', protocol: socket.protocol });
    socket.onmessage = ({ data }) => this.onMessage(data);
    socket.onclose = ({ code, reason }) => this.take({ type: 'closed', code, reason });
    // Chromium closes nothing where the page's policy forbids the socket.
    socket.onerror = () => this.wait('failed', SILENT_MS, () => this.lose(''));
  }

  private onMessage(text: unknown): void {
    this.liveness.heard();
    let message: { type?: unknown; data?: unknown; seq?: unknown };
    try {
      message = JSON.parse(String(text));
    } catch {
      return;  // Not the server that we know; nothing to be done about it.
    }
    const { type: name, data, seq } = Object(message);
    if (typeof name !== 'string') return;
    this.take({
      type: 'message', name, data: Object(data ?? {}),
      seq: typeof seq === 'number' ? seq : undefined,
    });
  }

  private write(message: Json): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(message));
  }

  private lose(reason: string): void {
    this.take({ type: 'closed', code: LOST, reason });
  }

  private drop(code?: number): void {
    const { socket } = this;
    this.socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close(code);
    }
    this.liveness.forgetPing();
    for (const name of [...this.timers.keys()]) this.stop(name);
  }

  private end(): void {
    this.asked += 1;
    this.drop(1000);
    this.liveness.stop();
    globalThis.removeEventListener?.('online', this.onAwake);
    globalThis.document?.removeEventListener('visibilitychange', this.onAwake);
    globalThis.document?.removeEventListener('securitypolicyviolation', this.onViolation);
  }

  private ping(): boolean {
    const isAsked = this.isV1 && this.state === 'open';
    if (isAsked) this.write({ action: 'ping' });
    return isAsked;
  }

  // What the page hears

  private readonly onAwake = ({ type }: { type: string }): void => {
    if (type === 'online' || document.visibilityState === 'visible') this.take({ type: 'awake' });
  };

  private readonly onViolation = (event: SecurityPolicyViolationEvent): void => {
    const isOfSocket = this.settings.address.isSocket(event.blockedURI);
    if (event.disposition === 'enforce' && isOfSocket) this.take({ type: 'blocked' });
  };
}

function tokenProblem(err: unknown): {
  code: ProblemCode; message: string; final?: boolean;
} {
  if (err instanceof TokenError) {
    return { code: err.code, message: err.message, final: err.final };
  }
  const code = 'token_unavailable';
  const said = err instanceof Error ? err.message : String(err);
  return { code, message: explain(code, said) };
}
