import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions } from '../src/options.js';
import type { WebRtcClientOptions } from '../src/types.js';

function check(options: object): void {
  checkOptions({ sessionId: 'lobby', ...options } as WebRtcClientOptions);
}

const stream = { getTracks: () => [] };

/** What each option takes, and what it refuses. */
const table: Record<string, { takes: unknown[]; refuses: unknown[] }> = {
  sessionId: {
    takes: ['a', 'x'.repeat(256), 'é'.repeat(128), '😀'.repeat(64)],
    refuses: ['', 7, {}, null, undefined, 'x'.repeat(257), 'é'.repeat(129), `${'😀'.repeat(64)}x`,
      '😀'.slice(0, 1), `a${'😀'.slice(1)}`],
  },
  id: {
    takes: ['a', 'player-😀-17', 'x'.repeat(256)],
    refuses: ['', 7, [], 'é'.repeat(129), '😀'.slice(0, 1)],
  },
  name: {
    takes: ['', 'Ada', 'é'.repeat(128)], refuses: [7, {}, 'é'.repeat(129), '😀'.slice(0, 1)],
  },
  clientId: { takes: ['a-client'], refuses: ['', 7, 'x'.repeat(257)] },
  getToken: { takes: [() => 'token', async () => 'token'], refuses: ['token', {}, true] },
  globals: {
    takes: [{}, { RTCPeerConnection: class {}, WebSocket: class {}, MediaStream: null },
      { mediaDevices: {} }],
    refuses: [true, 'ws', 7],
  },
  video: {
    takes: [{}, { audio: true, video: { width: 640 } }, { el: null, video: false }, { el: {} }],
    refuses: [true, false, 'true', 1],
  },
  signallingServer: {
    takes: ['wss://meet.example', '/rtc', '', new URL('https://meet.example/rtc')],
    refuses: [8080, true, {}],
  },
  stream: { takes: [stream], refuses: [true, {}, 'camera', []] },
  iceServers: {
    takes: [[], [{ urls: 'stun:stun.example' }], [{ urls: ['stun:a', 'turn:b'], username: 'u' }]],
    refuses: [{ urls: 'stun:stun.example' }, 'stun:stun.example', ['stun:stun.example'], [null],
      [{ url: 'stun:stun.example' }], [{ urls: [7] }]],
  },
  iceTransportPolicy: { takes: ['all', 'relay'], refuses: ['none', true, ''] },
  keepSession: { takes: [true, false, 'a-name'], refuses: ['', 1, {}] },
  dialect: { takes: ['auto', 'v1', 'classic'], refuses: ['v2', 'V1', '', true] },
  joinWithoutMediaAfterMs: { takes: [0, 5_000, Infinity], refuses: [-1, NaN, 'soon', '5', {}] },
};

for (const [name, { takes, refuses }] of Object.entries(table)) {
  test(`${name} is checked`, () => {
    for (const value of takes) check({ [name]: value });
    for (const value of refuses) {
      assert.throws(
        () => check({ [name]: value }),
        (err: unknown) => err instanceof TypeError && err.message.startsWith(`${name} must be `),
      );
    }
  });
}

test('what is null or undefined is not given', () => {
  for (const name of Object.keys(table).filter((one) => one !== 'sessionId')) {
    check({ [name]: null });
    check({ [name]: undefined });
  }
});

test('options that are none are named', () => {
  for (const name of ['sesionId', 'videos', 'constructor', 'toString', '0']) {
    const expected = new RegExp(`^TypeError: There is no option ${name},`);
    assert.throws(() => check({ [name]: 1 }), expected);
  }
  const expected = /^TypeError: There is no option video\.vidoe, but el, audio, video$/;
  assert.throws(() => check({ video: { vidoe: true } }), expected);
});

test('what is within video is checked', () => {
  for (const [name, value] of [['audio', 'yes'], ['video', 1], ['el', 'own']] as const) {
    const expected = new RegExp(`^TypeError: video.${name} must be `);
    assert.throws(() => check({ video: { [name]: value } }), expected);
  }
});

test('what is within globals is checked', () => {
  for (const [name, value] of [['WebSocket', 'ws'], ['RTCPeerConnection', {}],
    ['MediaStream', 7], ['mediaDevices', () => undefined]] as const) {
    const expected = new RegExp(`^TypeError: globals.${name} must be `);
    assert.throws(() => check({ globals: { [name]: value } }), expected);
  }
  assert.throws(() => check({ globals: { fetch: () => undefined } }),
    /^TypeError: There is no option globals\.fetch, but RTCPeerConnection, /);
});

test('a page that asks for its camera in short is told how', () => {
  assert.throws(() => check({ video: true }), /video must be .*\{ audio: true, video: true \}/);
});

test('options must be there', () => {
  for (const options of [undefined, null, 'lobby']) {
    const given = options as unknown as WebRtcClientOptions;
    assert.throws(() => checkOptions(given), /^TypeError: options must be an object/);
  }
});
