import assert from 'node:assert/strict';
import { initial, LOST, transition } from '../src/socket-state.js';
import type { Effect, Event, Json, Phase, State } from '../src/socket-types.js';
import type { Dialect } from '../src/types.js';

type Unstamped<E> = E extends unknown ? Omit<E, 'now'> : never;

export const OURS = `${btoa('{"typ":"at+jwt","alg":"ES256"}')}.e30.c2ln`;
export const THEIRS = `${btoa('{"typ":"JWT","alg":"HS256"}')}.e30.c2ln`;

/** Rows of the table that some test went through. */
export const seen = new Set<string>();

/** A conversation: goes through events, and keeps what they led to. */
export class Talk {
  state: State;
  now = 1_000_000;
  effects: Effect[] = [];

  constructor(dialect: Dialect | 'auto' = 'v1') {
    this.state = initial(dialect);
  }

  take(event: Unstamped<Event>): this {
    seen.add(`${this.state.phase}.${event.type}`);
    const step = transition(this.state, { ...event, now: this.now } as Event);
    this.state = step.state;
    this.effects = step.effects;
    return this;
  }

  hear(name: string, data: Json = {}, seq?: number): this {
    return this.take({ type: 'message', name, data, seq });
  }

  say(text: string): this {
    return this.take({ type: 'say', message: { action: 'send-payload', payload: { text } } });
  }

  join(): this {
    return this.take({ type: 'say', message: { action: 'join-room', roomId: 'lobby' } });
  }

  close(code = LOST, reason = ''): this {
    return this.take({ type: 'closed', code, reason });
  }

  /** Up to a handshake that runs. */
  begin(token = OURS, kept: { session?: string; seq?: number } = {}): this {
    return this.take({ type: 'start', ...kept }).take({ type: 'token', token });
  }

  /** Up to a session of its own that stands. */
  open(): this {
    return this.begin().take({ type: 'opened', protocol: 'usher.v1' }).welcome();
  }

  welcome(session = 'first'): this {
    return this.hear('welcome', { session, connectionId: 'own', iceServers: [] });
  }

  /** After a loss up to the next handshake. */
  again(token = OURS): this {
    return this.take({ type: 'retry' }).take({ type: 'token', token });
  }

  /** After a loss up to a `resume` that has no answer yet. */
  back(): this {
    return this.again().take({ type: 'opened', protocol: 'usher.v1' }).welcome('void');
  }

  resumed(seq: number): this {
    return this.hear('resumed', { session: 'second', connectionId: 'own', seq });
  }

  at(phase: Phase): this {
    assert.equal(this.state.phase, phase);
    return this;
  }

  did(...names: Effect['do'][]): this {
    assert.deepEqual(this.effects.map((effect) => effect.do), names);
    return this;
  }

  get told(): [string, unknown][] {
    return this.effects.flatMap((effect): [string, unknown][] =>
      (effect.do === 'tell' ? [[effect.name, effect.what]] : []));
  }

  /** What was told of a problem, without its text. */
  get problem(): unknown {
    for (const effect of this.effects) {
      if (effect.do === 'tell' && effect.name === 'onProblem') {
        return [effect.what.code, effect.what.final];
      }
    }
    return undefined;
  }

  get written(): unknown[] {
    return this.effects.flatMap((effect) => {
      if (effect.do !== 'write') return [];
      const { payload, action } = effect.message;
      return [(payload as { text?: string } | undefined)?.text ?? action];
    });
  }

  effect<Do extends Effect['do']>(name: Do): Extract<Effect, { do: Do }> | undefined {
    return this.effects.find((one) => one.do === name) as Extract<Effect, { do: Do }> | undefined;
  }
}
