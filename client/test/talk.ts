import assert from 'node:assert/strict';
import type { Failure } from '../src/codes.js';
import { initial, transition } from '../src/socket-state.js';
import type {
  Actions, Call, Events, Json, Limits, Phase, State,
} from '../src/socket-types.js';
import type { Dialect } from '../src/types.js';

/** What browsers say of a connection that was lost. */
export const LOST = 1006;
export const OURS = `${btoa('{"typ":"at+jwt","alg":"ES256"}')}.e30.c2ln`;
export const THEIRS = `${btoa('{"typ":"JWT","alg":"HS256"}')}.e30.c2ln`;

/** Rows of the table that some test went through. */
export const seen = new Set<string>();

/** A conversation: goes through events, and keeps what they led to. */
export class Talk {
  state: State;
  now = 1_000_000;
  effects: Call<Actions>[] = [];

  constructor(dialect: Dialect | 'auto' = 'v1') {
    this.state = initial(dialect);
  }

  take(...event: Call<Events>): this {
    seen.add(`${this.state.phase}.${event[0]}`);
    const before = JSON.stringify(this.state);
    const next = transition(this.state, this.now, event);
    assert.equal(JSON.stringify(this.state), before, 'the state before is left as it was');
    this.state = next;
    this.effects = next.effects;
    return this;
  }

  hear(name: string, data: Json = {}, seq?: number): this {
    return this.take('message', name, data, seq);
  }

  say(text: string): this {
    return this.take('say', { action: 'send-payload', payload: { text } });
  }

  join(): this {
    return this.take('say', { action: 'join-room', roomId: 'lobby' });
  }

  close(code = LOST, reason = ''): this {
    return this.take('closed', code, reason);
  }

  noToken(problem: Partial<Failure> = {}): this {
    return this.take('noToken', { code: 'token_unavailable', message: 'none', ...problem });
  }

  /** Up to a handshake that runs. */
  begin(token = OURS, session?: string, seq?: number): this {
    return this.take('start', session, seq).take('token', token);
  }

  /** Up to a session of its own that stands. */
  open(limits?: Limits): this {
    return this.begin().take('opened', 'usher.v1').welcome('first', limits);
  }

  welcome(session = 'first', limits?: Limits): this {
    return this.hear('welcome', { session, connectionId: 'own', iceServers: [], limits });
  }

  /** After a loss up to the next handshake. */
  again(token = OURS): this {
    return this.take('retry').take('token', token);
  }

  /** After a loss up to a `resume` that has no answer yet. */
  back(limits?: Limits): this {
    return this.again().take('opened', 'usher.v1').welcome('void', limits);
  }

  resumed(seq: number): this {
    return this.hear('resumed', { session: 'second', connectionId: 'own', seq });
  }

  at(phase: Phase, isReplaying?: boolean): this {
    assert.equal(this.state.phase, phase);
    const { seq, replayEnd } = this.state;
    if (isReplaying !== undefined) assert.equal(seq < replayEnd!, isReplaying);
    return this;
  }

  did(...names: (keyof Actions)[]): this {
    assert.deepEqual(this.effects.map(([name]) => name), names);
    return this;
  }

  /** What the application is told. */
  get told(): [type: unknown, detail: unknown][] {
    return this.effects.flatMap(([name, ...args]): [unknown, unknown][] =>
      (name === 'emit' ? [[args[0], args[1]]] : []));
  }

  /** What was told of a problem, without its text. */
  get problem(): unknown {
    const problem = this.told.find(([type]) => type === 'socketError');
    const { code, final } = Object(problem?.[1]) as { code?: string; final?: boolean };
    return problem && [code, final];
  }

  get written(): unknown[] {
    return this.all('write').map(([{ payload, action }]) =>
      (payload as { text?: string } | undefined)?.text ?? action);
  }

  all<Name extends keyof Actions>(name: Name): Parameters<Actions[Name]>[] {
    return this.effects.filter((effect) => effect[0] === name)
      .map(([, ...args]) => args as unknown as Parameters<Actions[Name]>);
  }

  /** The arguments of what was done. */
  args<Name extends keyof Actions>(name: Name): Partial<Parameters<Actions[Name]>> {
    return (this.all(name)[0] ?? []) as Partial<Parameters<Actions[Name]>>;
  }

  /** How long to wait at least and at most, and over how long to spread who comes back. */
  get wait(): { leastMs?: number; minMs?: number; mostMs?: number; drainMs?: number } {
    const [, leastMs, , minMs, mostMs, drainMs] = this.args('later');
    return { leastMs, minMs, mostMs, drainMs };
  }
}
