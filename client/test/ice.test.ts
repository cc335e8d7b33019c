import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../src/address.js';
import { iceServers } from '../src/ice.js';
import type { Welcome } from '../src/socket-types.js';
import { FakeTimers } from './fakes.js';

const SECRET = { urls: 'turn:a.example', username: 'u', credential: 'first' };
const settled = async (): Promise<void> => {
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
};

test('credentials are renewed before they end, and again later where that fails', async () => {
  const timers = new FakeTimers();
  const seen: unknown[] = [];
  let answer: Response | Promise<never>;
  const own = globalThis.fetch;
  globalThis.fetch = async (url, init) => {
    seen.push([String(url), (init?.headers as Record<string, string>).Authorization]);
    return answer;
  };
  const fresh = { ...SECRET, credential: 'second' };
  const changes: RTCIceServer[][] = [];
  const ice = iceServers(new Address('wss://meet.example'), async () => 'a.b.c',
    [{ urls: 'stun:own' }], (servers) => changes.push(servers));
  try {
    ice.learn({ iceServers: [SECRET], iceServersExpireAt: 1_100, serverTime: 1_000 } as Welcome);
    const failures = [
      new Response('{"error":"invalid_token"}', { status: 401 }), new Response('<html>'),
      Promise.reject(new TypeError('Failed to fetch'))];
    let wait = 80_000;
    for (answer of failures) {
      timers.fire(wait);
      await settled();
      wait = 30_000;
    }
    assert.equal(changes.length, 1, 'what is known stays');
    const date = new Date(2_000_000).toUTCString();
    answer = new Response(JSON.stringify({ iceServers: [fresh], expiresAt: 2_010 }),
      { headers: { Date: date } });
    timers.fire(30_000);
    await settled();
    assert.deepEqual(ice.servers(), [{ urls: 'stun:own' }, fresh]);
    assert.deepEqual(changes.at(-1), ice.servers());
    assert.deepEqual(seen, Array(4).fill(['https://meet.example/ice-servers', 'Bearer a.b.c']));
    assert.deepEqual([...timers.running.values()].map(({ ms }) => ms), [8_000]);
    ice.close();
    assert.equal(timers.running.size, 0);
  } finally {
    timers.restore();
    globalThis.fetch = own;
  }
});
