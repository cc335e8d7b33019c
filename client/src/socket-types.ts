import type { Failure } from './codes.js';
import type { Dialect, EventName, ProblemCode, WebRtcClientEvents } from './types.js';

export type Json = Record<string, unknown>;

/** What the server says first on a v1 connection. */
export interface Welcome {
  connectionId: string;
  session: string;
  expiresAt: number;
  serverTime: number;
  iceServers: RTCIceServer[];
  iceServersExpireAt?: number;
  limits?: Limits;
}

/** In each, 0 means none; as does its absence, but for the pings. */
export interface Limits {
  maxMessageBytes?: number;
  /** How often the server pings. */
  pingIntervalSeconds?: number;
  /** How many messages may wait for their answers. */
  messagesInFlight?: number;
}

/** Why a handshake failed, as the server says it; without an error nothing stands against it. */
export interface Answer {
  error?: string;
  description?: string;
}

/**
 * `token`: one is asked for. `opening`: the handshake runs. `trial`: a classic one is done, and
 * whether the server is not ours after all is asked. `checking`: why it failed is asked.
 * `greeting`: the server speaks first, and answers to the old session where there is one.
 * `waiting`: for the next attempt.
 */
export type Phase = 'idle' | 'token' | 'opening' | 'trial' | 'checking' | 'greeting'
  | 'open' | 'waiting' | 'closed';

export interface Message extends Json {
  readonly ack: number;
}

export interface State {
  phase: Phase;
  readonly wanted: Dialect | 'auto';
  /** Of this attempt, or of the connection. */
  dialect?: Dialect;
  /** The one that is spoken, once `auto` has chosen. */
  settled: Dialect | undefined;
  /** `auto`: v1 failed for no reason that could be learnt, so that classic is tried. */
  isDoubtful?: boolean;
  /** The token is one of ours, which stands in no URL unless `classic` was written. */
  hasOwnToken?: boolean;
  hasOpened?: boolean;
  /** Failures in a row. */
  attempt: number;
  /** What was told last of failing attempts: the same is not told again. */
  told?: ProblemCode;
  session?: string;
  /** The last event that was heard of the session. */
  seq: number;
  welcome?: Welcome;
  /** The last event of the connection's own session, while the old one may go on. */
  freshSeq?: number;
  /** Up to which event what was missed comes first, and what is said waits. */
  replayEnd?: number;
  /** What was not acknowledged yet, in the order of saying. */
  outbox: readonly Message[];
  /** The last number that one of them was given. */
  acks?: number;
  /** The last of it that went out over this connection, by its ack. */
  sent?: number;
  /** When anything of it last did, over whichever. */
  sentAt?: number;
  heardAt?: number;
  lostAt?: number;
  /** Until when the server wants to be left alone. */
  quietUntil?: number;
  drainMs?: number;
  isRefreshing?: boolean;
  refreshAttempt: number;
  /** Since when our id is taken, perhaps by a session of our own that was lost. */
  takenSince?: number;
  /** When the last event came. */
  now: number;
  /** What is to be done about the last event, in order. */
  effects: Call<Actions>[];
}

/** What may happen, by name and arguments. */
export interface Events {
  start(session?: string, seq?: number): void;
  token(token: string): void;
  noToken(failure: Failure): void;
  opened(protocol: string): void;
  /** The page's policy forbids the socket. */
  blocked(): void;
  checked(answer?: Answer, leastMs?: number): void;
  message(name: string, data: Json, seq: number | undefined): void;
  closed(code: number, reason: string): void;
  retry(): void;
  rejoin(): void;
  refresh(): void;
  refreshed(token: string): void;
  /** Some time has passed. */
  tick(): void;
  /** The browser is online again, or the page is looked at. */
  awake(): void;
  say(message: Json): void;
  close(): void;
}

export type TimerName = 'retry' | 'rejoin' | 'refresh' | 'stalled' | 'tick' | 'pong';

/** What there is to do, by name and arguments. */
export interface Actions {
  /** Asks for a token, and says so by this event. */
  getToken(then: 'token' | 'refreshed'): void;
  open(dialect: Dialect, token: string): void;
  write(message: Json): void;
  check(): void;
  /** Finds out whether the connection is alive. */
  ping(): void;
  /** Nothing of this connection is heard any more, and its timers end. */
  drop(): void;
  /** All ends. */
  end(): void;
  /** An event of this name comes later, and the more so the more attempts there were. */
  later(
    name: 'retry' | 'rejoin' | 'refresh', leastMs: number, attempt?: number,
    minMs?: number, mostMs?: number, drainMs?: number,
  ): void;
  /** The application is told. */
  emit<Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]): void;
  onWelcome(welcome: Welcome): void;
  /** A connection stands on which nothing was said yet: join. In v1, with what the server said. */
  onFresh(welcome: Welcome | undefined): void;
  /** @param isNew Not repeated by a resume. */
  onEvent(name: string, data: Json, isNew: boolean): void;
}

/** A name and its arguments. */
export type Call<Functions> = {
  [Name in keyof Functions]: Functions[Name] extends (...args: infer Args) => void
    ? [name: Name, ...args: Args] : never;
}[keyof Functions];
