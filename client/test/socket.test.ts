import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../src/address.js';
import { SignalSocket, SocketDelegate } from '../src/socket.js';
import { clientState } from '../src/socket-state.js';
import type { Json } from '../src/socket-types.js';
import { FakeTimers } from './fakes.js';

class FakeSocket {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readyState = 0;
  protocol = 'usher.v1';
  sent: Json[] = [];
  closedWith: (number | undefined)[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string, readonly protocols: string[]) {
    FakeSocket.last = this;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  hear(type: string, data: Json = {}, seq?: number): void {
    this.onmessage?.({ data: JSON.stringify({ type, data, seq }) });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code?: number): void {
    this.closedWith.push(code);
  }

  get words(): unknown[] {
    return this.sent.map(({ action, word }) => word ?? action);
  }
}

const listened = new Map<string, number>();
/** Says to the last client that the browser is online again. */
let awaken: (event: { type: string }) => void;
const count = (by: number) => (type: string, listener: typeof awaken): void => {
  if (type === 'online') awaken = listener;
  listened.set(type, (listened.get(type) ?? 0) + by);
};
Object.assign(globalThis, {
  WebSocket: FakeSocket, location: { href: 'https://app.example/' },
  addEventListener: count(1), removeEventListener: count(-1),
  document: { addEventListener: count(1), removeEventListener: count(-1) },
});

const tick = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve); });
const until = async (isSo: () => boolean): Promise<void> => {
  for (let round = 0; round < 500 && !isSo(); round += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  assert(isSo());
};
const welcome = (session: string): Json => ({ session, connectionId: 'own', iceServers: [] });

async function welcomed(limits: Json): Promise<SignalSocket> {
  const socket = conversation();
  await tick();
  FakeSocket.last.open();
  FakeSocket.last.hear('welcome', { ...welcome('first'), limits });
  return socket;
}

function conversation(listeners: Partial<SocketDelegate> = {}): SignalSocket {
  const quiet = (): void => undefined;
  const options = { sessionId: 'lobby' };
  const address = new Address('wss://meet.example');
  const socket = new SignalSocket(address, options, async () => 'a.b.c', {
    emit: quiet, onWelcome: quiet, onFresh: quiet, onEvent: quiet, onEnd: quiet,
    ...listeners,
  });
  socket.start();
  return socket;
}

async function opened(listeners: Partial<SocketDelegate> = {}): Promise<SignalSocket> {
  const socket = conversation(listeners);
  await tick();
  FakeSocket.last.open();
  FakeSocket.last.hear('welcome', welcome('first'));
  return socket;
}

test('what a listener says comes behind what goes out before, and once', async () => {
  const socket: SignalSocket = await opened({
    emit: (type) => {
      if (type === 'resumed') socket.say({ word: 'third' });
    },
  });
  const before = FakeSocket.last;
  socket.say({ word: 'first' });
  before.onclose?.({ code: 1006, reason: '' });
  socket.say({ word: 'second' });
  await until(() => FakeSocket.last !== before);
  FakeSocket.last.open();
  FakeSocket.last.hear('welcome', welcome('void'));
  FakeSocket.last.hear('resumed', { session: 'second', connectionId: 'own', seq: 0 });
  assert.deepEqual(FakeSocket.last.words, ['resume', 'first', 'second', 'third']);
  socket.close();
});

test('a listener that closes the client has the last word', async () => {
  const told: string[] = [];
  const socket: SignalSocket = conversation({
    onWelcome: () => socket.close(),
    onFresh: () => told.push('fresh'),
  });
  await tick();
  FakeSocket.last.open();
  FakeSocket.last.hear('welcome', welcome('first'));
  socket.say({ word: 'never' });
  assert.deepEqual(FakeSocket.last.sent, []);
  assert.deepEqual(FakeSocket.last.closedWith, [1000]);
  assert.deepEqual(told, []);
  assert.equal(clientState(socket.now), 'closed');
});

test('a listener that throws breaks nothing', async () => {
  const thrown: unknown[] = [];
  const later = globalThis.setTimeout;
  globalThis.setTimeout = ((then: () => void, ms?: number) => later(() => {
    try {
      then();
    } catch (err) {
      thrown.push(err);
    }
  }, ms)) as typeof setTimeout;
  const socket = await opened({ onFresh: () => { throw new Error('a fault of the page'); } });
  socket.say({ word: 'still here' });
  await tick();
  globalThis.setTimeout = later;
  assert.deepEqual(FakeSocket.last.words, ['still here']);
  assert.equal(String(thrown), 'Error: a fault of the page');
  socket.close();
});

test('nothing is left once it is closed', async () => {
  const socket = await opened();
  FakeSocket.last.hear('token_expiring');
  socket.close();
  await tick();
  assert.deepEqual(FakeSocket.last.sent, []);
  assert.equal(FakeSocket.last.onmessage, null);
  assert([...listened.values()].every((number) => number === 0));
  assert.equal(socket.now.session, undefined);
});

test('what no server of ours would say is passed over', async () => {
  const socket = await opened();
  const fault = '{"message": "Internal server error", "connectionId":"x=", "requestId":"y="}';
  for (const data of [fault, '{"message":"Forbidden"}', '', 'no json', 'null', '7', '[]',
    '{"type":7}', '{"type":"x","data":null}']) {
    FakeSocket.last.onmessage?.({ data });
  }
  assert.equal(clientState(socket.now), 'open');
  socket.close();
});

test('what the server would not take is refused at once, and nothing else suffers', async () => {
  const socket = await welcomed({ maxMessageBytes: 200 });
  const most = { word: 'é'.repeat(82) };
  assert.throws(() => socket.say({ word: 'é'.repeat(83) }),
    /TypeError: The server takes at most 176 bytes, not 177/);
  const ring: Json = {};
  ring.ring = ring;
  assert.throws(() => socket.say(ring), TypeError);
  socket.say(most);
  const [sent] = FakeSocket.last.sent;
  assert.deepEqual(sent, { ...most, ack: 1 });
  assert(new TextEncoder().encode(JSON.stringify({ ...most, ack: 2 ** 53 })).length <= 200);
  socket.close();
  for (const limits of [{}, { maxMessageBytes: 0 }]) {
    const free = await welcomed(limits);
    free.say({ word: 'x'.repeat(1 << 20) });
    assert.equal(FakeSocket.last.sent.length, 1);
    free.close();
  }
});

test('what waits is what was said, and no more of it than was allowed', async () => {
  const socket = await welcomed({ messagesInFlight: 1 });
  const said = { word: 'first' };
  for (const word of ['first', 'second']) socket.say(Object.assign(said, { word }));
  said.word = 'another';
  assert.deepEqual(FakeSocket.last.words, ['first']);
  FakeSocket.last.hear('ack', { ack: 1 }, 1);
  assert.deepEqual(FakeSocket.last.words, ['first', 'second']);
  for (let number = 1; number < 4; number += 1) socket.say({ number }, 4);
  assert.throws(() => socket.say({ word: 'too much' }, 4), /Too much waits/);
  FakeSocket.last.hear('ack', { ack: 2 }, 2);
  socket.say({ word: 'fits' }, 4);
  socket.say({ word: 'the client\'s own' });
  assert.equal(socket.now.outbox.length, 5);
  socket.close();
});

test('a number that is none tells nothing of the order of events', async () => {
  const socket = await welcomed({});
  for (const seq of ['7', 7.5, -Infinity, null, {}, [8]]) {
    FakeSocket.last.hear('chat', {}, seq as number);
    assert.equal(socket.now.seq, 0);
  }
  socket.close();
});

test('a connection that gives no sign of life is lost, and one that does is not', async () => {
  const socket = await opened();
  const timers = new FakeTimers();
  const awake = { type: 'online' };
  try {
    awaken(awake);
    assert.deepEqual(FakeSocket.last.words, ['ping']);
    FakeSocket.last.hear('pong', {}, 1);
    timers.fire(5_000);
    assert.equal(clientState(socket.now), 'open');
    awaken(awake);
    timers.fire(5_000);
    assert.equal(clientState(socket.now), 'reconnecting');
  } finally {
    timers.restore();
    socket.close();
  }
});
