import type { Globals, VideoOptions, WebRtcClientOptions } from './types.js';

/** Whether a value will do, and what it must be. */
type Rule = [isRight: (value: any) => boolean, what: string];

const BYTES_MAX = 256;

/** In UTF-8; not a number for a text that holds half a character, which no server can take. */
function bytesOf(text: unknown): number {
  try {
    return encodeURIComponent(text as string).replace(/%../g, '-').length;
  } catch {
    return NaN;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const oneOf = (...words: string[]): Rule => [(value) => words.includes(value), words.join(' or ')];

const text = (least: number): Rule => [
  (value) => typeof value === 'string' && bytesOf(value) >= least && bytesOf(value) <= BYTES_MAX,
  `a text of ${least} to ${BYTES_MAX} bytes of UTF-8`,
];

const isUrls = (urls: unknown): boolean => [urls].flat().every((one) => typeof one === 'string');

const device: Rule = [
  (value) => typeof value === 'boolean' || isObject(value), 'true, false or constraints',
];

const rules: Record<keyof WebRtcClientOptions, Rule> = {
  sessionId: text(1),
  name: text(0),
  clientId: text(1),
  id: text(1),
  getToken: [
    (value) => typeof value === 'function', 'a function that gives a token, or a promise of one',
  ],
  video: [isObject, 'an object: for camera and microphone write { audio: true, video: true }'],
  signallingServer: [
    (value) => typeof value === 'string' || value instanceof URL,
    'a ws:, wss:, http: or https: URL',
  ],
  stream: [(value) => typeof value.getTracks === 'function', 'a MediaStream'],
  iceServers: [
    (value) => Array.isArray(value) && value.every((one) => isUrls(one?.urls)),
    "an array of objects like { urls: 'stun:stun.example' }",
  ],
  iceTransportPolicy: oneOf('all', 'relay'),
  keepSession: [
    (value) => typeof value === 'boolean' || (typeof value === 'string' && value !== ''),
    'true, false or a name',
  ],
  dialect: oneOf('auto', 'v1', 'classic'),
  globals: [isObject, 'an object like { RTCPeerConnection, WebSocket }'],
  joinWithoutMediaAfterMs: [
    (value) => typeof value === 'number' && value >= 0, 'a number of milliseconds, or Infinity',
  ],
};

const constructor: Rule = [(value) => typeof value === 'function', 'a constructor'];

const globalRules: Record<keyof Globals, Rule> = {
  RTCPeerConnection: constructor,
  mediaDevices: [isObject, 'an object like navigator.mediaDevices'],
  MediaStream: constructor,
  WebSocket: constructor,
};

const videoRules: Record<keyof VideoOptions, Rule> = {
  el: [isObject, 'a video element'],
  audio: device,
  video: device,
};

/** @throws TypeError that names the option at fault. */
export function checkOptions(options: WebRtcClientOptions): void {
  if (!isObject(options)) throw new TypeError("options must be an object: { sessionId: 'a room' }");
  if (options.sessionId == null) throw new TypeError('sessionId must be given: the name of a room');
  check(options, rules);
  check(options.video ?? {}, videoRules, 'video.');
  check(options.globals ?? {}, globalRules, 'globals.');
}

/** What is null or undefined is not given. */
function check(options: object, table: Record<string, Rule>, prefix = ''): void {
  for (const [name, value] of Object.entries(options)) {
    const names = Object.keys(table);
    if (!names.includes(name)) {
      throw new TypeError(`There is no option ${prefix}${name}, but ${names.join(', ')}`);
    }
    const [isRight, what] = table[name]!;
    if (value != null && !isRight(value)) throw new TypeError(`${prefix}${name} must be ${what}`);
  }
}

/** @throws TypeError where there is no WebRTC, or no WebSocket, as in Node. */
export function checkPlatform(given: Globals | undefined): void {
  for (const name of ['RTCPeerConnection', 'WebSocket'] as const) {
    if (given?.[name] ?? globalThis[name]) continue;
    throw new TypeError(`There is no ${name} here: use a browser, or give one of a package, as the `
      + `option globals: { ${name} }`);
  }
}
