import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../src/address.js';
import { check } from '../src/check.js';
import { post, retryAfter } from '../src/request.js';

/** What the server answers to the next request, and what it was asked. */
let answer: () => Response;
let asked: RequestInit & { body: URLSearchParams };
globalThis.fetch = async (_, init) => {
  asked = init as typeof asked;
  return answer();
};

const address = new Address('wss://meet.example');
const refused = (status: number, body: unknown, headers = {}): void => {
  answer = () => new Response(JSON.stringify(body), { status, headers });
};

test('the time to wait is taken from seconds or a date, and at most a minute', () => {
  const inTenSeconds = new Date(Date.now() + 10_000).toUTCString();
  assert.equal(retryAfter('7'), 7_000);
  assert(Math.abs(retryAfter(inTenSeconds) - 9_500) <= 1_000);
  assert.equal(retryAfter('3600'), 60_000);
  for (const none of [null, '', '0', '-5', 'soon', 'Wed, 21 Oct 2015 07:28:00 GMT']) {
    assert.equal(retryAfter(none), 0, String(none));
  }
});

test('a form holds what is there, and no cookie goes where none is wanted', async () => {
  const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
  answer = () => new Response('{"access_token":"a"}', { headers: { Date: date } });
  const reply = await post('https://meet.example', 'omit', { a: 'b c', d: undefined, e: '' });
  assert.equal(String(asked.body), 'a=b+c');
  assert.equal(asked.credentials, 'omit');
  assert.deepEqual(reply, {
    status: 200, text: '{"access_token":"a"}', said: { access_token: 'a' }, leastMs: 0,
    now: Date.parse(date),
  });
});

test('no answer is undefined, and one that is no JSON says nothing', async () => {
  answer = () => { throw new TypeError('Failed to fetch'); };
  assert.equal(await post('https://meet.example', 'omit', {}), undefined);
  for (const text of ['<html>', 'null', '']) {
    answer = () => new Response(text, { status: 502 });
    const reply = await post('https://meet.example', 'omit', {});
    assert.deepEqual([reply?.status, { ...reply?.said }], [502, {}]);
  }
});

test('the check gives the server\'s word and nobody else\'s, and how long to wait', async () => {
  const ask = () => check(address, { token: 'a.b.c', room: 'lobby' });
  refused(503, { error: 'temporarily_unavailable', error_description: 'full' }, {
    'Retry-After': '5' });
  assert.deepEqual(await ask(), [
    { error: 'temporarily_unavailable', description: 'full' }, 5_000]);
  assert.equal(String(asked.body), 'token=a.b.c&room=lobby');
  for (const [status, body] of [[404, { error: 'not_found' }], [502, {}],
    [503, { error: 'Try later' }], [403, { message: 'Forbidden' }],
    [403, { message: 'Missing Authentication Token' }], [404, { message: 'Not Found' }],
    [500, { message: 'Internal server error', connectionId: 'x', requestId: 'y' }]] as const) {
    refused(status, body, { 'Retry-After': '2' });
    assert.deepEqual(await ask(), [undefined, 2_000], String(status));
  }
  answer = () => { throw new TypeError('Failed to fetch'); };
  assert.deepEqual(await ask(), []);
  answer = () => new Response(null, { status: 204 });
  const [fine] = await ask();
  assert.equal(fine?.error, undefined);
  assert.match(fine?.description ?? '', /proxy/);
});
