import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../src/address.js';
import { Failure, problemOf } from '../src/codes.js';
import { isOwn, tidy, tokens } from '../src/token.js';
import type { SocketProblem } from '../src/types.js';

const address = new Address('wss://meet.example');

test('a token is taken without the space around it', () => {
  assert.equal(tidy(' \n ab.c-_.d\r\n'), 'ab.c-_.d');
});

test('what is no token is named, and never repeated', () => {
  const cases: [unknown, string, RegExp][] = [
    ['\n<!doctype html><p>secret', 'token_malformed', /an HTML page/],
    ['<html><body>secret', 'token_malformed', /an HTML page/],
    ['{"token":"secret"}', 'token_malformed', /JSON/],
    ['a secret', 'token_malformed', /a text/], ['secrét', 'token_malformed', /a text/],
    [{ secret: 1 }, 'token_malformed', /object/], [' ', 'token_malformed', /string/],
    ['', 'token_unavailable', /no token/i], [undefined, 'token_unavailable', /no token/i],
  ];
  for (const [token, code, words] of cases) {
    try {
      tidy(token);
      assert.fail(`took ${String(token)}`);
    } catch (err) {
      const { message, code: said } = err as Error & { code: string };
      assert.equal(said, code, String(token));
      assert.match(message, words);
      assert(!/secr/.test(message), message);
    }
  }
});

test('a token of ours is known by its header', () => {
  const token = (header: string): string =>
    `${btoa(header).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')}.e30.x`;
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
    assert(isOwn(token(`{"alg":"ES256","kid":"??>>","typ":"${typ}"}`)), typ);
  }
  for (const one of [token('{"typ":"JWT"}'), token('{}'), token('null'), 'opaque', '', '..']) {
    assert(!isOwn(one), one);
  }
});

/** As it is told; or the token, where there is one. */
async function failure(getToken: () => unknown): Promise<Partial<SocketProblem>> {
  const given = getToken as () => string;
  try {
    return { message: await tokens({ sessionId: 'lobby', getToken: given }, address)() };
  } catch (err) {
    return problemOf(err as Failure);
  }
}

test('what getToken throws is told by a code, with what was thrown', async () => {
  const err = new Error('the backend is down');
  for (const getToken of [() => { throw err; }, async () => { throw err; }]) {
    const problem = await failure(getToken);
    assert.equal(problem.code, 'token_unavailable');
    assert.match(problem.message!, /the backend is down/);
    assert.equal(problem.err, err);
  }
  assert.match((await failure(() => Promise.reject('a word'))).message!, /a word/);
  assert.equal((await failure(() => Promise.reject())).code, 'token_unavailable');
});

test('a getToken that does not answer is cut off after ten seconds', async () => {
  const { setTimeout: later, clearTimeout: never } = globalThis;
  const timers = new Map<unknown, { ms?: number; fire: () => void }>();
  const fake = (then: (arg: unknown) => void, ms?: number, arg?: unknown): number => {
    timers.set(timers.size, { ms, fire: () => then(arg) });
    return timers.size - 1;
  };
  Object.assign(globalThis, { setTimeout: fake, clearTimeout: (id: number) => timers.delete(id) });
  try {
    const cut = failure(() => new Promise(() => undefined));
    assert.deepEqual([...timers.values()].map(({ ms }) => ms), [10_000]);
    timers.get(0)!.fire();
    const { code, message } = await cut;
    assert.equal(code, 'token_unavailable');
    assert.match(message!, /no token came, or not in 10 seconds/i);
    assert.equal((await failure(async () => 'a.b.c')).message, 'a.b.c');
    assert.equal(timers.size, 0);
  } finally {
    Object.assign(globalThis, { setTimeout: later, clearTimeout: never });
  }
});

test('a session that is asked too often says how long to wait', async () => {
  const own = globalThis.fetch;
  const answers = [
    new Response('{"error":"slow_down"}', { status: 429, headers: { 'Retry-After': '12' } }),
    new Response('{"access_token":"a.b.c"}'),
  ];
  globalThis.fetch = async () => answers.shift()!;
  const ask = tokens({ sessionId: 'lobby' }, address);
  const { code, final, leastMs } = await ask().catch((err) => err) as unknown as Failure;
  assert.deepEqual([code, final, leastMs], ['token_unavailable', false, 12_000]);
  assert.equal(await ask(), 'a.b.c');
  globalThis.fetch = own;
});
