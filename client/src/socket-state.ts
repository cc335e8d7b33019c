import { codeOfClose, explain, isFinal } from './codes.js';
import { isOwn, TokenProblem } from './token.js';
import type {
  Actions, Answer, Call, Events, Json, Phase, State, Welcome,
} from './socket-types.js';
import type {
  ClientState, Dialect, ProblemCode, SocketProblem, WebRtcClientEvents,
} from './types.js';

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

export function initial(wanted: Dialect | 'auto'): State {
  const settled = wanted === 'auto' ? undefined : wanted;
  return {
    phase: 'idle', wanted, settled, dialect: settled ?? 'v1', attempt: 0, seq: 0, outbox: [],
    acks: 0, refreshAttempt: 0, now: 0, effects: [],
  };
}

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
  again(state);
}

function open(state: State, token: string): void {
  state.hasOwnToken = isOwn(token);
  state.dialect = state.settled ?? (state.isDoubtful && !state.hasOwnToken ? 'classic' : 'v1');
  state.isDoubtful = false;
  state.phase = 'opening';
  act(state, 'open', state.dialect, token);
}

/** What is told of it. */
const noTokenOf = ({ code, message, err }: TokenProblem, final: boolean): SocketProblem =>
  ({ code, message, final, err });

function noToken(state: State, problem: TokenProblem): void {
  const final = problem.final ?? isFinal(problem.code, state.hasOpened);
  stumble(state, noTokenOf(problem, final), problem.leastMs);
}

function opened(state: State, protocol: string): void {
  const { session, seq, dialect } = state;
  state.welcome = undefined;
  state.freshSeq = 0;
  state.isReplaying = false;
  if (dialect === 'classic') {
    if (state.settled) return classic(state);
    state.phase = 'trial';
    return act(state, 'check');
  }
  if (protocol !== 'usher.v1') {
    return state.settled || state.hasOwnToken
      ? stumble(state, problemOf(state, 'protocol_error', 'it speaks no usher.v1'))
      : again(state, 'classic');
  }
  state.settled = dialect;
  state.phase = 'greeting';
  emit(state, 'socketOpen', { dialect });
  if (session) act(state, 'write', { action: 'resume', session, seq });
}

function classic(state: State): void {
  state.settled = 'classic';
  emit(state, 'socketOpen', { dialect: 'classic' });
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

const unreached = (state: State): void => stumble(state, problemOf(state, 'unreachable'));
const blocked = (state: State): void => stumble(state, problemOf(state, 'blocked_by_page'));

function checked(state: State, answer?: Answer, leastMs?: number): void {
  if (answer && state.wanted === 'auto') state.settled = 'v1';
  state.isDoubtful = !state.settled && state.dialect === 'v1';
  stumble(state, problemOf(state, answer?.error ?? 'unreachable', answer?.description), leastMs);
}

/** It stands: attempts are counted anew. */
function stand(state: State): void {
  state.phase = 'open';
  state.hasOpened = true;
  state.attempt = 0;
  state.told = undefined;
}

/** The connection's own session begins: there is none that goes on. */
function fresh(state: State): void {
  state.session = state.welcome?.session;
  state.seq = state.freshSeq!;
  state.outbox = [];
  stand(state);
  act(state, 'onFresh', state.welcome);
}

// Closing and coming back

function problemOf(state: State, code: ProblemCode, said?: string): SocketProblem {
  return { code, message: explain(code, said), final: isFinal(code, state.hasOpened) };
}

function close(state: State): void {
  state.phase = 'closed';
  state.session = undefined;
  state.outbox = [];
  act(state, 'end');
}

/** Ends it, or tries again. `closed` says which close that follows. */
function stumble(
  state: State, problem: SocketProblem | undefined, leastMs = 0,
  closed?: { code: number; reason: string },
): void {
  const willReconnect = !problem?.final;
  if (willReconnect) act(state, 'drop');
  else close(state);
  if (closed) emit(state, 'socketClosed', { ...closed, willReconnect });
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
  stumble(state, code && {
    ...problemOf(state, code, reason || `${closeCode}`), closeCode, reason,
  }, 0, { code: closeCode, reason });
}

// Speaking

const write = (state: State, messages: readonly Json[]): void =>
  messages.forEach((message) => act(state, 'write', message));

/**
 * Keeps a message until it is acknowledged. Without a session to resume nothing is kept while no
 * connection stands: connection ids will be others.
 */
function say(state: State, message: Json): void {
  if (state.session) {
    message = { ...message, ack: (state.acks += 1) };
    state.outbox = [...state.outbox, message];
  }
  if (state.phase === 'open' && !state.isReplaying) act(state, 'write', message);
}

/** Once the replay is over: what was not acknowledged by then did not arrive. */
function flush(state: State): void {
  if (!state.isReplaying || state.seq < state.replayEnd!) return;
  state.isReplaying = false;
  write(state, state.outbox);
}

const rejoin = (state: State): void =>
  write(state, state.outbox.filter(({ action }) => action === 'join-room'));

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
    state.isReplaying = true;
    state.replayEnd = Number(data.seq);
    stand(state);
    const connectionId = `${data.connectionId}`;
    act(state, 'onResumed', connectionId);
    emit(state, 'resumed', { connectionId });
    flush(state);
  }
}

function hear(state: State, name: string, data: Json, seq = state.seq): void {
  state.seq = seq;
  switch (name) {
    case 'ack':
      state.takenSince = undefined;
      settle(state, data.ack);
      break;
    case 'error': refused(state, data); break;
    case 'token_expiring':
      state.refreshAttempt = 0;
      refresh(state);
      break;
    case 'draining': state.drainMs = Number(data.reconnectWithinSeconds) * 1000; break;
    case 'welcome': case 'resumed': case 'pong': break;
    default: act(state, 'onEvent', name, data);
  }
  flush(state);
}

/** A message was taken, or refused. */
function settle(state: State, ack: unknown): void {
  state.outbox = state.outbox.filter((message) => message.ack !== ack);
}

function refused(state: State, { action, ack, code, message }: Json): void {
  const problem = problemOf(state, `${code}`, `${action}: ${message}`);
  problem.final = action === 'join-room';
  if (problem.final) {
    state.takenSince ??= state.now;
    return code === 'peer_id_taken' && state.now - state.takenSince <= GRACE_MS
      ? act(state, 'later', 'rejoin', REJOIN_MS) : stumble(state, problem);
  }
  settle(state, ack);
  if (action === 'refresh-token') refreshLater(state, problem);
  // Whoever it was for has left meanwhile; we are told so by an event of its own.
  else if (code !== 'unknown_target') emit(state, 'socketError', problem);
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

function refreshLater(state: State, problem: SocketProblem, leastMs = 0): void {
  state.isRefreshing = false;
  emit(state, 'socketError', problem);
  act(state, 'later', 'refresh', leastMs, (state.refreshAttempt += 1), 1_000);
}

function noRefresh(state: State, problem: TokenProblem): void {
  if (state.isRefreshing) refreshLater(state, noTokenOf(problem, false), problem.leastMs);
}

// The table

const ping = (state: State): void => act(state, 'ping');

function awake(state: State): void {
  if (state.now >= state.quietUntil!) again(state);
}

const early: Row = { blocked, say, close };

export const TABLE: Readonly<Record<Phase, Row>> = {
  idle: { start, close },
  token: { ...early, token: open, noToken },
  opening: { ...early, opened, closed: unopened, noToken },
  trial: { checked: tried, closed: unreached, close },
  checking: { ...early, checked },
  greeting: { message: greeted, closed: lost, say, close },
  open: {
    message: hear, closed: lost, say, rejoin, refresh, refreshed, noToken: noRefresh, awake: ping,
    close,
  },
  waiting: { ...early, retry: (state) => again(state), awake },
  closed: {},
};
