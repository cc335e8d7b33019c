// As in React Native and Node: the platform has no WebRTC of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { WebRtcClient } from '../src/index.js';
import type { Globals, WebRtcClientOptions } from '../src/types.js';

const later = (ms = 10): Promise<void> => new Promise((done) => { setTimeout(done, ms); });

class Socket extends EventTarget {
  static last: Socket | undefined;
  readonly protocol = 'usher.v1';
  readonly readyState = 1;
  readonly sent: { action: string; payload?: { type: string } }[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;

  constructor(readonly url: string) {
    super();
    Socket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  hear(type: string, data: unknown, seq?: unknown): void {
    this.onmessage!({ data: JSON.stringify({ type, data, seq }) });
  }

  close(): void {}
}

class Track extends EventTarget {
  enabled = true;
  readyState = 'live';

  constructor(readonly kind: string) {
    super();
  }

  stop(): void {
    this.readyState = 'ended';
  }
}

class Stream {
  constructor(private tracks: Track[] = []) {}

  getTracks(): Track[] {
    return this.tracks;
  }

  getVideoTracks(): Track[] {
    return this.tracks.filter(({ kind }) => kind === 'video');
  }

  addTrack(track: Track): void {
    if (!this.tracks.includes(track)) this.tracks.push(track);
  }

  removeTrack(track: Track): void {
    this.tracks = this.tracks.filter((one) => one !== track);
  }
}

class Connection {
  static made: Connection[] = [];
  readonly tracks: Track[] = [];
  connectionState = 'new';

  constructor(readonly configuration: RTCConfiguration) {
    Connection.made.push(this);
  }

  addTrack(track: Track): void {
    this.tracks.push(track);
  }

  addTransceiver(): void {}

  createDataChannel(): unknown {
    return { addEventListener: () => undefined };
  }

  close(): void {}
}

/** What the user answers to each prompt. */
let prompts: ((stream: unknown) => void)[] = [];
const mediaDevices = {
  getUserMedia: () => new Promise((resolve) => { prompts.push(resolve); }),
};
const globals = {
  RTCPeerConnection: Connection, WebSocket: Socket, MediaStream: Stream, mediaDevices,
} as unknown as Globals;

let client: WebRtcClient | undefined;

function make(more: Partial<WebRtcClientOptions> = {}): WebRtcClient {
  client = new WebRtcClient({
    sessionId: 'lobby', signallingServer: 'wss://meet.example', getToken: () => 'token', globals,
    ...more,
  });
  return client;
}

afterEach(() => {
  client?.close();
  Object.assign(globalThis, { WebSocket: undefined });
  Connection.made = [];
  Socket.last = undefined;
  prompts = [];
});

test('a client joins, calls and sends by what is given as globals alone', async () => {
  const names = ['RTCPeerConnection', 'WebSocket', 'MediaStream'];
  assert.deepEqual(names.filter((name) => name in globalThis && name !== 'WebSocket'), []);
  const one = make({ video: { video: true } });
  await later();
  const track = new Track('video');
  prompts[0]!(new Stream([track]));
  await later();
  const socket = Socket.last!;
  assert.equal(socket.url, 'wss://meet.example/');
  socket.onopen!();
  socket.hear('welcome', {
    connectionId: 'own', session: 's', expiresAt: 1, serverTime: 0, iceServers: [],
  });
  assert.equal(socket.sent[0]!.action, 'join-room');
  socket.hear('someone_joined', { connectionId: 'b1', peerId: 'bob', name: null });
  assert(one.localStream instanceof Stream);
  assert.deepEqual(Connection.made.map(({ tracks }) => tracks), [[track]]);
  assert.equal(one.peerConnections.bob as unknown, Connection.made[0]);
});

describe('a client in its room', () => {
  const welcome = {
    connectionId: 'void', session: 'v', expiresAt: 1, serverTime: 0, iceServers: [],
  };
  const state = { roomId: 'lobby', polite: true, members: [] };

  test('is ready when it is in it after a reload, whatever is repeated from before', async () => {
    const kept = JSON.stringify({ id: 'ann', session: 's', seq: 3 });
    const sessionStorage = { getItem: () => kept, removeItem: () => undefined };
    Object.assign(globalThis, { sessionStorage });
    const one = make({ keepSession: true });
    let isReady = false;
    void one.ready.then(() => { isReady = true; });
    await later();
    const socket = Socket.last!;
    socket.onopen!();
    socket.hear('welcome', welcome);
    assert.equal(socket.sent[0]!.action, 'resume');
    socket.hear('resumed', { connectionId: 'own', session: 't', seq: 5 });
    socket.hear('room_state', state, 4);
    socket.hear('someone_joined', { connectionId: 'b1', peerId: 'bob', name: null }, 5);
    await later();
    assert.equal(isReady, false);
    assert.equal(one.peerInfo.bob?.connectionId, 'b1');
    socket.hear('room_state', state, 6);
    await later();
    assert.equal(isReady, true);
    Object.assign(globalThis, { sessionStorage: undefined });
  });

  test('may say all that it has to, however much an application says', async () => {
    const one = make();
    await later();
    const socket = Socket.last!;
    socket.onopen!();
    socket.hear('welcome', { ...welcome, session: 's', limits: { messagesInFlight: 1 } }, 1);
    // Its join waits for its answer, and each of these for the one before.
    for (let number = 1; number < 4_096; number += 1) one.signal('b1', { number });
    assert.throws(() => one.signal('b1', {}), /^Error: Too much waits/);
    socket.hear('someone_joined', { connectionId: 'b1', peerId: 'bob', name: null }, 2);
    await later();
    assert.equal(Connection.made.length, 1);
  });
});

test('the documented client joins with what is given', async () => {
  const docs = readFileSync(join(__dirname, '../../docs/client.md'), 'utf8');
  const [, code] = /<!-- file: native\.js -->\n```js\n([^]*?)```/.exec(docs)!;
  const example = new Function('WebRtcClient', 'RTCPeerConnection', 'MediaStream', 'mediaDevices',
    'sessionId', 'getToken', `${code!.replace(/^import .*$/gm, '')}\nreturn client;`);
  Object.assign(globalThis, { WebSocket: Socket });
  client = example(WebRtcClient, Connection, Stream, mediaDevices, 'lobby', () => 'token');
  await later();
  assert.equal(Socket.last?.url, 'wss://meet.example/');
});

test('what is given must be what it says', () => {
  assert.throws(() => make({ globals: { ...globals, WebSocket: 7 as never } }),
    /^TypeError: globals\.WebSocket must be a constructor/);
  assert.throws(() => make({ globals: { Websocket: Socket } as never }),
    /^TypeError: There is no option globals\.Websocket/);
  assert.throws(() => make({ globals: 7 as never }), /^TypeError: globals must be an object/);
});

describe('a client that is closed while the prompt is open', () => {
  for (const method of ['setCameraEnabled', 'setMicrophoneEnabled'] as const) {
    test(`settles ${method}, and lights nothing`, async () => {
      const one = make();
      const isOn = one[method](true);
      await later();
      assert.equal(prompts.length, 1);
      one.close();
      assert.equal(await Promise.race([isOn, later(500)]), false);
      const track = new Track(method === 'setCameraEnabled' ? 'video' : 'audio');
      prompts[0]!(new Stream([track]));
      await later();
      assert.equal(track.readyState, 'ended');
      assert.equal(await one[method](true), false);
      assert.equal(prompts.length, 1, 'nobody is asked again');
    });
  }
});

test('the promise comes with the answer otherwise', async () => {
  const one = make();
  const isOn = one.setCameraEnabled(true);
  await later();
  prompts[0]!(new Stream([new Track('video')]));
  assert.equal(await isOn, true);
  assert.equal(await one.setCameraEnabled(false), false);
});
