import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../src/address.js';

(globalThis as { location?: unknown }).location = {
  href: 'https://app.example/page/index.html', origin: 'https://app.example' };

const CASES: [given: string | undefined, socket: string, check: string][] = [
  [undefined, 'wss://app.example/signal', 'https://app.example/signal/check'],
  ['', 'wss://app.example/signal', 'https://app.example/signal/check'],
  ['/signal', 'wss://app.example/signal', 'https://app.example/signal/check'],
  ['/rtc', 'wss://app.example/rtc', 'https://app.example/rtc/signal/check'],
  ['/rtc/signal', 'wss://app.example/rtc/signal', 'https://app.example/rtc/signal/check'],
  ['wss://meet.example', 'wss://meet.example/', 'https://meet.example/signal/check'],
  ['http://meet.example:81/rtc/?a=b', 'ws://meet.example:81/rtc/?a=b',
    'http://meet.example:81/rtc/signal/check'],
  ['wss://meet.example/a/b#c', 'wss://meet.example/a/b', 'https://meet.example/a/b/signal/check'],
];

test('one path is put before every route', () => {
  for (const [given, socket, check] of CASES) {
    const address = new Address(given);
    assert.equal(address.socket({}), socket, given);
    assert.equal(address.route('/signal/check'), check, given);
  }
});

test('token and client stand in the query where they are given', () => {
  assert.equal(new Address('ws://meet.example').socket({ token: 'a.b', client: 'c d' }),
    'ws://meet.example/?token=a.b&client=c+d');
});

test('what a policy forbids is the socket, or not', () => {
  const address = new Address('https://meet.example/rtc');
  assert(address.isSocket('wss://meet.example/rtc?client=x'));
  assert(address.isSocket('wss://meet.example'));
  assert(!address.isSocket('https://meet.example/rtc/signal/check'));
  assert(!address.isSocket('wss://other.example/rtc'));
  assert(!address.isSocket('inline'));
});

test('what is no address is named', () => {
  for (const bad of ['ftp://meet.example', 'http://']) {
    assert.throws(() => new Address(bad), /signallingServer/);
  }
});
