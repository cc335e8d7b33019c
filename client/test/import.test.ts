// Outside of browsers: the module is imported where most of a page is missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const PAGE = ['window', 'self', 'document', 'location', 'navigator', 'sessionStorage',
  'localStorage', 'addEventListener', 'removeEventListener', 'RTCPeerConnection', 'MediaStream',
  'WebSocket'];

const touched: string[] = [];
for (const name of PAGE) {
  const get = (): undefined => {
    touched.push(name);
    return undefined;
  };
  Object.defineProperty(globalThis, name, { get, configurable: true });
}
// Bundled, this runs the module here, below what was prepared.
const client = import('../src/index.js');

const options = {
  sessionId: 'lobby', id: 'player-😀-17', signallingServer: 'wss://meet.example',
  getToken: () => 'token',
};

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

class Socket {
  static readonly OPEN = 1;
  static last: Socket | undefined;
  readonly protocol = 'usher.v1';
  readonly readyState = 1;
  readonly sent: { action: string; name: string }[] = [];
  onopen: (() => void) | undefined;
  onmessage: ((event: { data: string }) => void) | undefined;

  constructor(readonly url: string) {
    Socket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {}
}

const later = (ms: number): Promise<void> => new Promise((done) => { setTimeout(done, ms); });

test('importing touches nothing of a page', async () => {
  const { WebRtcClient } = await client;
  assert.equal(typeof WebRtcClient, 'function');
  assert.deepEqual(touched, []);
});

test('without WebRTC or WebSocket a client says what is missing, and which option', async () => {
  const { WebRtcClient } = await client;
  const missing = (name: string): RegExp =>
    new RegExp(`^TypeError: There is no ${name} here.*option globals: \\{ ${name} \\}`);
  assert.throws(() => new WebRtcClient(options), missing('RTCPeerConnection'));
  const globals = { RTCPeerConnection: class {} as typeof RTCPeerConnection };
  assert.throws(() => new WebRtcClient({ ...options, globals }), missing('WebSocket'));
});

test('without a page the server must be named', async () => {
  const { WebRtcClient } = await client;
  define('RTCPeerConnection', class {});
  define('WebSocket', Socket);
  for (const signallingServer of [undefined, '/rtc']) {
    const make = (): unknown => new WebRtcClient({ ...options, signallingServer });
    assert.throws(make, /^TypeError: signallingServer /);
  }
});

test('where there is WebRTC a client joins its room without a page', async () => {
  const { WebRtcClient } = await client;
  define('RTCPeerConnection', class {});
  define('WebSocket', Socket);
  const one = new WebRtcClient(options);
  try {
    for (let round = 0; !Socket.last?.onmessage && round < 100; round += 1) await later(10);
    const socket = Socket.last!;
    assert.equal(socket.url, 'wss://meet.example/');
    socket.onopen!();
    const data = { connectionId: 'c', session: 's', expiresAt: 1, serverTime: 0, iceServers: [] };
    socket.onmessage!({ data: JSON.stringify({ type: 'welcome', data }) });
    const join = socket.sent.find((message) => message.action === 'join-room');
    assert.equal(join?.name, 'Guest');
  } finally {
    one.close();
  }
  assert.equal(one.state, 'closed');
});
