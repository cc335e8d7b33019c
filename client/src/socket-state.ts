import { codeOfClose, Failure, problemOf } from './codes.js';
import { isOwn } from './token.js';
import type {
  Actions, Answer, Call, Events, Json, Limits, Message, Phase, State, Welcome,
} from './socket-types.js';
import type { ClientState, Dialect, WebRtcClientEvents } from './types.js';

/** Changes the copy of the state that it is given. */
type Handler<Name extends keyof Events> = (state: State, ...args: Parameters<Events[Name]>) => void;
type Row = { readonly [Name in keyof Events]?: Handler<Name> };

/** The server keeps a lost session for 30 seconds, unless told otherwise. */
const GRACE_MS = 30_000;
const RESUMABLE_MS = 25_000;
const RESUMABLE_WAIT_MS = 4_000;
/** One that was stopped in order has it again for as long, if it is back within ten minutes. */
const SHELVED_MS = 600_000;
const REJOIN_MS = 3_000;
/** Browsers report a connection that was lost, or never stood, with this code. */
export const LOST = 1006;
/** So long nothing may be heard, where the server does not ping more seldom. */
const QUIET_S = 45;
/** After which an answer that others wait for comes no more. */
const ANSWER_MS = 10_000;

/** `now` and `effects` come with the first event. */
export function initial(wanted: Dialect | 'auto'): State {
  const settled = wanted === 'auto' ? undefined : wanted;
  const state: Partial<State> = {
    phase: 'idle', wanted, settled, dialect: settled, attempt: 0, seq: 0, outbox: [],
    refreshAttempt: 0,
  };
  return state as State;
}

/** As the server has told. */
export const limitsOf = ({ welcome }: State): Limits => welcome?.limits ?? {};

/** As the application sees it. */
export function clientState({ phase, hasOpened }: State): ClientState {
  return phase === 'idle' || phase === 'closed' || phase === 'open' ? phase
    : hasOpened ? 'reconnecting' : 'connecting';
}

/** What is not in the table changes nothing. */
export function transition(state: State, now: number, [name, ...args]: Call<Events>): State {
  const next: State = { ...state, now, effects: [] };
  (TABLE[state.phase][name] as ((state: State, ...args: unknown[]) => void) | undefined)?.(
    next, ...args);
  return next;
}

function act<Name extends keyof Actions>(
  state: State, name: Name, ...args: Parameters<Actions[Name]>
): void {
  state.effects.push([name, ...args] as unknown as Call<Actions>);
}

function emit<Name extends keyof WebRtcClientEvents>(
  state: State, type: Name, detail: WebRtcClientEvents[Name],
): void {
  act(state, 'emit', type, detail);
}

// Connecting

/** A new attempt, in this dialect where one was chosen. */
function again(state: State, settled = state.settled): void {
  state.settled = settled;
  state.phase = 'token';
  act(state, 'drop');
  act(state, 'getToken', 'token');
}

function start(state: State, session?: string, seq = 0): void {
  state.session = session;
  state.seq = seq;
  state.lostAt = state.now;
  // A page before this one may have used those below, and its answers may come yet.
  state.acks = session ? state.now : 0;
  again(state);
}

function open(state: State, token: string): void {
  state.hasOwnToken = isOwn(token);
  state.dialect = state.settled ?? (state.isDoubtful && !state.hasOwnToken ? 'classic' : 'v1');
  state.isDoubtful = false;
  state.phase = 'opening';
  act(state, 'open', state.dialect, token);
}

function opened(state: State, protocol: string): void {
  const { session, seq, dialect } = state;
  state.freshSeq = 0;
  if (dialect === 'classic') {
    if (state.settled) return classic(state);
    state.phase = 'trial';
    return act(state, 'check');
  }
  if (protocol !== 'usher.v1') {
    return state.settled || state.hasOwnToken
      ? stumble(state, { code: 'protocol_error', said: 'it speaks no usher.v1' })
      : again(state, 'classic');
  }
  speak(state, dialect!);
  state.phase = 'greeting';
  if (session) act(state, 'write', { action: 'resume', session, seq });
}

function speak(state: State, dialect: Dialect): void {
  state.settled = dialect;
  emit(state, 'socketOpen', { dialect });
}

function classic(state: State): void {
  speak(state, 'classic');
  fresh(state);
}

function tried(state: State, answer?: Answer): void {
  if (answer) again(state, 'v1');
  else classic(state);
}

/** The handshake failed, and browsers don't tell why. */
function unopened(state: State): void {
  if (state.dialect === 'classic' && !state.hasOwnToken) return unreached(state);
  state.phase = 'checking';
  act(state, 'drop');
  act(state, 'check');
}

const unreached = (state: State): void => stumble(state, { code: 'unreachable' });
const blocked = (state: State): void => stumble(state, { code: 'blocked_by_page' });

function checked(state: State, answer?: Answer, leastMs?: number): void {
  if (answer && state.wanted === 'auto') state.settled = 'v1';
  state.isDoubtful = !state.settled && state.dialect === 'v1';
  stumble(state, { code: answer?.error ?? 'unreachable', said: answer?.description, leastMs });
}

/** It stands: attempts are counted anew. */
function stand(state: State): void {
  state.phase = 'open';
  state.hasOpened = true;
  state.attempt = 0;
  state.told = undefined;
  state.heardAt = state.now;
  state.sent = 0;
}

/** The connection's own session begins: there is none that goes on. */
function fresh(state: State): void {
  state.session = state.welcome?.session;
  state.seq = state.freshSeq!;
  state.replayEnd = 0;
  state.outbox = [];
  stand(state);
  act(state, 'onFresh', state.welcome);
}

// Closing and coming back

function close(state: State): void {
  state.phase = 'closed';
  state.session = undefined;
  state.outbox = [];
  act(state, 'end');
}

/** Ends it, or tries again. `closed` says which close that follows. */
function stumble(
  state: State, failure: Failure | undefined, closeCode?: number, reason?: string,
): void {
  const problem = failure && problemOf({ ...failure, closeCode, reason }, state.hasOpened);
  const leastMs = failure?.leastMs ?? 0;
  const willReconnect = !problem?.final;
  if (willReconnect) act(state, 'drop');
  else close(state);
  if (closeCode) {
    emit(state, 'socketClosed', { code: closeCode, reason: reason!, willReconnect });
  }
  if (problem && !(willReconnect && problem.code === state.told)) {
    emit(state, 'socketError', problem);
    state.told = problem.code;
  }
  if (!willReconnect) return;
  state.attempt += 1;
  // Without a session: since ever.
  const lostMs = state.now - (state.session ? state.lostAt! : 0);
  state.phase = 'waiting';
  state.quietUntil = state.now + leastMs;
  state.isRefreshing = false;
  act(state, 'later', 'retry', leastMs, state.attempt, state.dialect === 'classic' ? 2_000 : 100,
    lostMs < RESUMABLE_MS ? RESUMABLE_WAIT_MS : lostMs < SHELVED_MS ? RESUMABLE_MS : undefined,
    state.drainMs);
  state.drainMs = undefined;
}

function lost(state: State, closeCode: number, reason: string): void {
  const code = codeOfClose(closeCode);
  state.lostAt = state.now;
  // Whoever has our id is given its time once more.
  if (closeCode === 1012) state.takenSince = undefined;
  stumble(state, code && { code, said: reason || `${closeCode}` }, closeCode, reason);
}

// Speaking

/** What may wait for its answer at once: the rest waits for that. */
const front = (state: State): readonly Message[] =>
  state.outbox.slice(0, limitsOf(state).messagesInFlight || Infinity);

function write(state: State, message: Message): void {
  act(state, 'write', message);
  state.sentAt = state.now;
}

/** Once the replay is over: what was not acknowledged by then did not arrive. */
function flush(state: State): void {
  if (state.phase !== 'open' || state.seq < state.replayEnd!) return;
  for (const message of front(state)) {
    if (message.ack <= state.sent!) continue;
    state.sent = message.ack;
    write(state, message);
  }
}

function rejoin(state: State): void {
  for (const message of front(state)) if (message.action === 'join-room') write(state, message);
}

/**
 * Keeps a message until it is acknowledged. Without a session to resume nothing is kept while no
 * connection stands: connection ids will be others.
 */
function say(state: State, message: Json): void {
  if (state.session) {
    state.outbox = [...state.outbox, { ...message, ack: (state.acks! += 1) }];
    flush(state);
  } else if (state.phase === 'open') {
    act(state, 'write', message);
  }
}

// Hearing

function greeted(state: State, name: string, data: Json, seq = state.freshSeq): void {
  state.freshSeq = seq;
  if (name === 'welcome') {
    state.welcome = data as unknown as Welcome;
    act(state, 'onWelcome', state.welcome);
    if (!state.session) fresh(state);
  } else if (name === 'error' && data.action === 'resume') {
    fresh(state);
  } else if (name === 'resumed') {
    state.session = `${data.session}`;
    state.replayEnd = Number(data.seq);
    stand(state);
    emit(state, 'resumed', { connectionId: `${data.connectionId}` });
    flush(state);
  }
}

function hear(state: State, name: string, data: Json, seq?: number): void {
  state.heardAt = state.now;
  if (seq! <= state.seq) return;
  if (seq) state.seq = seq;
  const isNew = !(seq! <= state.replayEnd!);
  switch (name) {
    case 'ack':
      state.takenSince = undefined;
      state.attempt = 0;
      settle(state, data.ack);
      break;
    case 'error': refused(state, data); break;
    case 'token_expiring':
      state.refreshAttempt = 0;
      refresh(state);
      break;
    case 'draining':
      // One that is replayed is of a stop that is over.
      if (isNew) state.drainMs = Number(data.reconnectWithinSeconds) * 1000;
      break;
    case 'welcome': case 'resumed': case 'pong': break;
    default: act(state, 'onEvent', name, data, isNew);
  }
  flush(state);
}

/** In place of a close code that the server cannot send; any other end says nothing. */
function message(state: State, name: string, data: Json, seq?: number): void {
  const { code, reason } = data as { code: number; reason: string };
  if (name !== 'usher.closing' || seq || state.dialect !== 'v1') {
    (state.phase === 'open' ? hear : greeted)(state, name, data, seq);
  } else if (code === Math.round(code) && code > 999 && code < 5_000) {
    lost(state, code, reason);
  }
}

/** A message was taken, or refused. */
function settle(state: State, ack: unknown): void {
  state.outbox = state.outbox.filter((message) => message.ack !== ack);
}

function refused(state: State, { action, ack, code, message }: Json): void {
  const final = action === 'join-room';
  const failure: Failure = { code: `${code}`, said: `${action}: ${message}`, final };
  if (final) {
    if (code === 'temporarily_unavailable') {
      tell(state, failure);
      return act(state, 'later', 'rejoin', 0, (state.attempt += 1), 1_000);
    }
    state.takenSince ??= state.now;
    return code === 'peer_id_taken' && state.now - state.takenSince <= GRACE_MS
      ? act(state, 'later', 'rejoin', REJOIN_MS) : stumble(state, failure);
  }
  settle(state, ack);
  if (action === 'refresh-token') refreshLater(state, failure);
  // Whoever it was for has left meanwhile; we are told so by an event of its own.
  else if (code !== 'unknown_target') tell(state, failure);
}

// Tokens

function refresh(state: State): void {
  if (!state.isRefreshing) act(state, 'getToken', 'refreshed');
  state.isRefreshing = true;
}

/** Past the outbox: a resume takes a fresh token anyway. */
function refreshed(state: State, token: string): void {
  if (state.isRefreshing) act(state, 'write', { action: 'refresh-token', token });
  state.isRefreshing = false;
}

function tell(state: State, failure: Failure): void {
  emit(state, 'socketError', problemOf({ ...failure, final: false }, true));
}

function refreshLater(state: State, failure: Failure): void {
  state.isRefreshing = false;
  tell(state, failure);
  act(state, 'later', 'refresh', failure.leastMs ?? 0, (state.refreshAttempt += 1), 1_000);
}

function noRefresh(state: State, failure: Failure): void {
  if (state.isRefreshing) refreshLater(state, failure);
}

// The table

/** In classic there are none. */
function ping(state: State): void {
  if (state.welcome) act(state, 'ping');
}

/** A browser may not notice for minutes that a connection is lost. */
function tick(state: State): void {
  const { pingIntervalSeconds = QUIET_S, messagesInFlight } = limitsOf(state);
  if (messagesInFlight && state.sent && state.outbox[0] && state.now - state.sentAt! > ANSWER_MS) {
    lost(state, LOST, 'no answer');
  } else if (pingIntervalSeconds
    && state.now - state.heardAt! > Math.max(QUIET_S, pingIntervalSeconds) * 1000) {
    ping(state);
  }
}

function awake(state: State): void {
  if (state.now >= state.quietUntil!) again(state);
}

const early: Row = { blocked, say, close };

export const TABLE: Readonly<Record<Phase, Row>> = {
  idle: { start, close },
  token: { ...early, token: open, noToken: stumble },
  opening: { ...early, opened, closed: unopened, noToken: stumble },
  trial: { checked: tried, closed: unreached, close },
  checking: { ...early, checked },
  greeting: { message, closed: lost, say, close },
  open: {
    message, closed: lost, say, rejoin, refresh, refreshed, noToken: noRefresh, awake: ping, tick,
    close,
  },
  waiting: { ...early, retry: again, awake },
  closed: {},
};
