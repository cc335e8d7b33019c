import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Address } from '../src/address.js';
import { SignalSocket, SocketDelegate } from '../src/socket.js';
import { clientState } from '../src/socket-state.js';
import type { Json } from '../src/socket-types.js';

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
const count = (by: number) => (type: string): void => {
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

function conversation(listeners: Partial<SocketDelegate> = {}): SignalSocket {
  const quiet = (): void => undefined;
  const options = { sessionId: 'lobby' };
  const address = new Address('wss://meet.example');
  const socket = new SignalSocket(address, options, async () => 'a.b.c', {
    emit: quiet, onWelcome: quiet, onFresh: quiet, onResumed: quiet, onEvent: quiet, onEnd: quiet,
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
  const socket: SignalSocket = await opened({ onResumed: () => socket.say({ word: 'third' }) });
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
  for (const data of ['', 'no json', 'null', '7', '[]', '{"type":7}', '{"type":"x","data":null}']) {
    FakeSocket.last.onmessage?.({ data });
  }
  assert.equal(clientState(socket.now), 'open');
  socket.close();
});
