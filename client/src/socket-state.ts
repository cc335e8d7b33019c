import { codeOfClose, explain, isFinal, isFinalClose } from './codes.js';
import { isOwn } from './token.js';
import type { Effect, Event, Json, Phase, State, Step, Told, Welcome } from './socket-types.js';
import type { ClientState, Dialect, ProblemCode, SocketProblem } from './types.js';

type Of<Type> = Extract<Event, { type: Type }>;
type Handler<Type> = (state: State, event: Of<Type>) => Step;
type Table = { readonly [P in Phase]: { [Type in Event['type']]?: Handler<Type> } };

/** The server keeps a lost session for 30 seconds, unless told otherwise. */
const GRACE_MS = 30_000;
const RESUMABLE_MS = 25_000;
const RESUMABLE_WAIT_MS = 4_000;
const REJOIN_MS = 3_000;
/** Browsers report a connection that was lost, or never stood, with this code. */
export const LOST = 1006;

export function initial(wanted: Dialect | 'auto'): State {
  return {
    phase: 'idle', wanted, dialect: wanted === 'classic' ? 'classic' : 'v1',
    isSettled: wanted !== 'auto', isDoubtful: false, hasOwnToken: false, hasOpened: false,
    attempt: 0, told: undefined, session: undefined, seq: 0, welcome: undefined, freshSeq: 0,
    replayEnd: 0, outbox: [], acks: 0, lostAt: 0, drainMs: undefined, isRefreshing: false,
    refreshAttempt: 0, takenSince: undefined, now: 0,
  };
}

/** As the application sees it. */
export function clientState({ phase, hasOpened }: State): ClientState {
  switch (phase) {
    case 'idle': case 'closed': return phase;
    case 'open': case 'replaying': return 'open';
    default: return hasOpened ? 'reconnecting' : 'connecting';
  }
}

/** What is not in the table changes nothing. */
export function transition(state: State, event: Event): Step {
  const handler = TABLE[state.phase][event.type] as Handler<Event['type']> | undefined;
  return handler ? handler({ ...state, now: event.now }, event) : { state, effects: [] };
}

const to = (state: State, changes: Partial<State>, ...effects: Effect[]): Step =>
  ({ state: { ...state, ...changes }, effects });

const tell = <Name extends keyof Told>(name: Name, what: Told[Name]): Effect =>
  ({ do: 'tell', name, what }) as Effect;

// Connecting

const askToken = (state: State, changes: Partial<State> = {}, ...before: Effect[]): Step =>
  to(state, { ...changes, phase: 'token' }, ...before, { do: 'getToken' });

function open(state: State, { token }: Of<'token'>): Step {
  const hasOwnToken = isOwn(token);
  const isTrial = state.isDoubtful && !hasOwnToken;
  const dialect = state.isSettled ? state.dialect : isTrial ? 'classic' : 'v1';
  return to(state, { phase: 'opening', dialect, hasOwnToken, isDoubtful: false },
    { do: 'open', dialect, token });
}

function noToken(state: State, { code, message, final, err }: Of<'noToken'>): Step {
  const problem = { code, message, final: final ?? isFinal(code, state.hasOpened), err };
  return problem.final ? fail(state, problem) : retry(state, problem);
}

function opened(state: State, { protocol }: Of<'opened'>): Step {
  if (state.dialect === 'v1' && protocol !== 'usher.v1') return another(state);
  if (!state.isSettled && state.dialect === 'classic') {
    return to(state, { phase: 'trial' }, { do: 'check' });
  }
  if (state.dialect === 'classic') return classic(state);
  const settled = { isSettled: true, freshSeq: 0, welcome: undefined };
  const { session, seq } = state;
  return session === undefined
    ? to(state, { ...settled, phase: 'greeting' }, tell('onOpen', 'v1'))
    : to(state, { ...settled, phase: 'resuming' }, tell('onOpen', 'v1'),
      { do: 'write', message: { action: 'resume', session, seq } });
}

/** A server that speaks no v1. */
function another(state: State): Step {
  return state.isSettled || state.hasOwnToken
    ? fail(state, problemOf(state, 'protocol_error', 'the server does not speak usher.v1'))
    : askToken(state, { dialect: 'classic', isSettled: true }, { do: 'drop' });
}

function classic(state: State): Step {
  return ready(state, { isSettled: true, session: undefined, seq: 0 },
    tell('onOpen', 'classic'),
    tell('onFresh', undefined));
}

const tried = (state: State, { answer }: Of<'checked'>): Step => (answer
  ? askToken(state, { isSettled: true, dialect: 'v1' }, { do: 'drop' })
  : classic(state));

/** The handshake failed, and browsers don't tell why. */
function unopened(state: State): Step {
  return state.dialect === 'v1' || state.hasOwnToken
    ? to(state, { phase: 'checking' }, { do: 'drop' }, { do: 'check' })
    : retry(state, problemOf(state, 'unreachable'));
}

function checked(state: State, { answer }: Of<'checked'>): Step {
  const next: State = answer && state.wanted === 'auto'
    ? { ...state, isSettled: true, dialect: 'v1' }
    : { ...state, isDoubtful: !state.isSettled && state.dialect === 'v1' };
  const problem = answer?.error
    ? problemOf(next, answer.error, answer.description)
    : problemOf(next, 'unreachable', answer
      && 'it answers, but the socket does not get through: does a proxy pass WebSockets?');
  return problem.final ? fail(next, problem) : retry(next, problem);
}

const blocked = (state: State): Step => fail(state, problemOf(state, 'blocked_by_page'));

function ready(state: State, changes: Partial<State>, ...effects: Effect[]): Step {
  return to(state, {
    phase: 'open', hasOpened: true, attempt: 0, told: undefined, outbox: [], ...changes,
  }, ...effects);
}

/** The connection's own session begins: there is none that goes on. */
function fresh(state: State, welcome: Welcome | undefined, seq: number): Step {
  return ready(state, { welcome, session: welcome?.session, seq },
    tell('onFresh', welcome));
}

// Closing and coming back

function problemOf(state: State, code: ProblemCode, said?: string): SocketProblem {
  return { code, message: explain(code, said), final: isFinal(code, state.hasOpened) };
}

function retry(state: State, problem?: SocketProblem, ...before: Effect[]): Step {
  const attempt = state.attempt + 1;
  const isResumable = state.session !== undefined && state.now - state.lostAt < RESUMABLE_MS;
  const isNew = problem && problem.code !== state.told;
  return to(state, {
    phase: 'waiting', attempt, drainMs: undefined, isRefreshing: false, refreshAttempt: 0,
    told: problem ? problem.code : state.told,
  }, { do: 'drop' }, ...before, ...(isNew ? [tell('onProblem', problem)] : []), {
    do: 'retry', attempt, minMs: state.dialect === 'classic' ? 2_000 : 100,
    mostMs: isResumable ? RESUMABLE_WAIT_MS : undefined,
    drainMs: attempt === 1 ? state.drainMs : undefined,
  });
}

function lost(state: State, { code: closeCode, reason }: Of<'closed'>): Step {
  const code = codeOfClose(closeCode);
  const problem = code
    && { ...problemOf(state, code, reason || `close code ${closeCode}`), closeCode, reason };
  const willReconnect = !isFinalClose(closeCode);
  const closed = { code: closeCode, reason, willReconnect };
  if (problem && !willReconnect) return fail(state, problem, tell('onClosed', closed));
  return retry({ ...state, lostAt: state.now }, problem, tell('onClosed', closed));
}

const close = (state: State): Step =>
  to(state, { phase: 'closed', session: undefined, seq: 0, outbox: [], welcome: undefined },
    { do: 'end' });

function fail(state: State, problem: SocketProblem, ...before: Effect[]): Step {
  const step = close(state);
  return to(step.state, {}, ...step.effects, ...before,
    tell('onProblem', { ...problem, final: true }));
}

// Speaking

const writes = (messages: readonly Json[]): Effect[] =>
  messages.map((message) => ({ do: 'write', message }));

/**
 * Keeps a message until it is acknowledged. Without a session to resume nothing is kept while no
 * connection stands: connection ids will be others.
 */
function say(state: State, { message }: Of<'say'>): Step {
  if (state.dialect === 'classic' && state.phase === 'open') {
    return to(state, {}, { do: 'write', message });
  }
  if (state.session === undefined) return to(state, {});
  const acks = state.acks + 1;
  const whole = { ...message, ack: acks };
  return to(state, { acks, outbox: [...state.outbox, whole] },
    ...(state.phase === 'open' ? writes([whole]) : []));
}

/** Once the replay is over: what was not acknowledged by then did not arrive. */
function flush(step: Step): Step {
  const { state, effects } = step;
  if (state.phase !== 'replaying' || state.seq < state.replayEnd) return step;
  return to(state, { phase: 'open' }, ...effects, ...writes(state.outbox));
}

const isJoin = (message: Json): boolean => message.action === 'join-room';

const rejoin = (state: State): Step => to(state, {}, ...writes(state.outbox.filter(isJoin)));

// Hearing

function greeted(state: State, { name, data, seq }: Of<'message'>): Step {
  if (name !== 'welcome') return to(state, {});
  const welcome = data as unknown as Welcome;
  const step = fresh(state, welcome, seq ?? 0);
  return { ...step, effects: [tell('onWelcome', welcome), ...step.effects] };
}

function resuming(state: State, { name, data, seq }: Of<'message'>): Step {
  const freshSeq = seq ?? state.freshSeq;
  if (name === 'welcome') {
    const welcome = data as unknown as Welcome;
    return to(state, { welcome, freshSeq }, tell('onWelcome', welcome));
  }
  if (name === 'error' && (data.code === 'resume_failed' || data.action === 'resume')) {
    return fresh(state, state.welcome, freshSeq);
  }
  if (name !== 'resumed') return to(state, { freshSeq });
  return flush(ready(state, {
    phase: 'replaying', outbox: state.outbox, session: String(data.session),
    replayEnd: Number(data.seq) || 0,
  }, tell('onResumed', String(data.connectionId))));
}

function hear(state: State, { name, data, seq }: Of<'message'>): Step {
  const heard = { ...state, seq: seq ?? state.seq };
  switch (name) {
    case 'ack': return acknowledged(heard, data.ack);
    case 'error': return refused(heard, data);
    case 'token_expiring': return refresh({ ...heard, refreshAttempt: 0 });
    case 'draining':
      return to(heard, { drainMs: Number(data.reconnectWithinSeconds) * 1000 || 0 });
    case 'welcome': case 'resumed': case 'pong': return to(heard, {});
    default: return to(heard, {}, tell('onEvent', { name, data }));
  }
}

const without = (state: State, ack: unknown): readonly Json[] =>
  state.outbox.filter((message) => message.ack !== ack);

function acknowledged(state: State, ack: unknown): Step {
  const isJoined = state.outbox.some((message) => message.ack === ack && isJoin(message));
  return to(state, {
    outbox: without(state, ack), takenSince: isJoined ? undefined : state.takenSince,
  });
}

function refused(state: State, data: Json): Step {
  const { action, ack } = data;
  const code = String(data.code);
  const said = `${String(action)}: ${String(data.message)}`;
  const left = { outbox: without(state, ack) };
  if (action === 'join-room') {
    const takenSince = state.takenSince ?? state.now;
    if (code !== 'peer_id_taken' || state.now - takenSince > GRACE_MS) {
      return fail(state, problemOf(state, code, said));
    }
    return to(state, { takenSince }, { do: 'wait', for: 'rejoin', ms: REJOIN_MS });
  }
  // Whoever it was for has left meanwhile; we are told so by an event of its own.
  if (code === 'unknown_target') return to(state, left);
  const problem = { ...problemOf(state, code, said), final: false };
  return action === 'refresh-token'
    ? refreshLater(to(state, left).state, problem)
    : to(state, left, tell('onProblem', problem));
}

// Tokens

const refresh = (state: State): Step => (state.isRefreshing ? to(state, {})
  : to(state, { isRefreshing: true }, { do: 'refresh' }));

/** Past the outbox: a resume takes a fresh token anyway. */
const refreshed = (state: State, { token }: Of<'refreshed'>): Step => (state.isRefreshing
  ? to(state, { isRefreshing: false },
    { do: 'write', message: { action: 'refresh-token', token } })
  : to(state, {}));

function refreshLater(state: State, problem: SocketProblem): Step {
  const refreshAttempt = state.refreshAttempt + 1;
  return to(state, { refreshAttempt, isRefreshing: false }, tell('onProblem', problem),
    { do: 'wait', for: 'refresh', attempt: refreshAttempt });
}

const noRefresh = (state: State, { code, message, err }: Of<'noToken'>): Step =>
  (state.isRefreshing ? refreshLater(state, { code, message, final: false, err }) : to(state, {}));

// The table

const ping = (state: State): Step => to(state, {}, { do: 'ping' });
const again = (state: State): Step => askToken(state, {}, { do: 'drop' });

export const TABLE: Table = {
  idle: {
    start: (state, { session, seq = 0 }) => askToken(state, { session, seq }),
    close,
  },
  token: { token: open, noToken, blocked, say, close },
  opening: { opened, closed: unopened, noToken, blocked, say, close },
  trial: {
    checked: tried, closed: (state) => retry(state, problemOf(state, 'unreachable')), close,
  },
  checking: { checked, blocked, say, close },
  greeting: { message: greeted, closed: lost, close },
  resuming: { message: resuming, closed: lost, say, close },
  replaying: {
    message: (state, event) => flush(hear(state, event)), closed: lost, say, refresh, refreshed,
    noToken: noRefresh, awake: ping, close,
  },
  open: {
    message: hear, closed: lost, say, rejoin, refresh, refreshed, noToken: noRefresh, awake: ping,
    close,
  },
  waiting: { retry: again, awake: again, blocked, say, close },
  closed: {},
};
