import { bytesOf } from './sending.js';
import type { Globals, VideoOptions, WebRtcClientOptions } from './types.js';

/** What a value must be, whether it is, and what may stand in it. */
type Rule = [what: string, isRight: (value: any) => boolean | undefined, within?: Rules];
type Rules = Record<string, Rule>;

const BYTES_MAX = 256;

const is = (...types: string[]) => (value: unknown): boolean => types.includes(typeof value);

const text = (least: number): Rule => [
  `a text of ${least} to ${BYTES_MAX} bytes`, (value) => {
    // Half a character no server can take.
    if (typeof value !== 'string' || /\p{Cs}/u.test(value)) return false;
    const size = bytesOf(value);
    return size >= least && size <= BYTES_MAX;
  },
];

const oneOf = (...words: string[]): Rule => [words.join(' or '), (value) => words.includes(value)];
const like = (example: string, within?: Rules): Rule =>
  [`an object like ${example}`, is('object'), within];

const device: Rule = ['true, false or constraints', is('boolean', 'object')];
const constructor: Rule = ['a constructor', is('function')];

const videoRules: Record<keyof VideoOptions, Rule> = {
  el: ['a video element', is('object')], audio: device, video: device,
};

const globalRules: Record<keyof Globals, Rule> = {
  RTCPeerConnection: constructor, mediaDevices: like('navigator.mediaDevices'),
  MediaStream: constructor, WebSocket: constructor,
};

const rules: Record<keyof WebRtcClientOptions, Rule> = {
  sessionId: text(1),
  name: text(0),
  clientId: text(1),
  id: text(1),
  getToken: ['a function', is('function')],
  video: like('{ audio: true, video: true }', videoRules),
  signallingServer: ['a ws, wss, http or https URL', (value) => is('string')(value.href ?? value)],
  stream: ['a MediaStream', (value) => !!value.getTracks],
  iceServers: ["an array like [{ urls: 'stun:a.example' }]",
    (value) => value.every?.((one: any) => [one?.urls].flat().every(is('string')))],
  iceTransportPolicy: oneOf('all', 'relay'),
  keepSession: ['true, false or a name', (value) => value !== '' && is('boolean', 'string')(value)],
  dialect: oneOf('auto', 'v1', 'classic'),
  globals: like('{ RTCPeerConnection, WebSocket }', globalRules),
  joinWithoutMediaAfterMs: ['a number',
    (value) => is('number')(value) && value >= 0],
};

/** @throws TypeError that names the option at fault. */
export function checkOptions(options: WebRtcClientOptions): void {
  check({ options: options ?? '' }, { options: like("{ sessionId: 'a room' }") });
  check({ ...options, sessionId: options.sessionId ?? '' }, rules);
}

/** What is null or undefined is not given. */
function check(values: object, table: Rules, prefix = ''): void {
  for (const [name, value] of Object.entries(values)) {
    const names = Object.keys(table);
    if (!names.includes(name)) {
      throw new TypeError(`There is no option ${prefix}${name}, but ${names.join(', ')}`);
    }
    const [what, isRight, within] = table[name]!;
    if (value == null) continue;
    if (!isRight(value)) throw new TypeError(`${prefix}${name} must be ${what}`);
    if (within) check(value, within, `${name}.`);
  }
}

/** @throws TypeError where there is no WebRTC, or no WebSocket, as in Node. */
export function checkPlatform(given: Globals | undefined): void {
  for (const name of ['RTCPeerConnection', 'WebSocket'] as const) {
    if (given?.[name] ?? globalThis[name]) continue;
    throw new TypeError(
      `There is no ${name} here: give it by the option globals: { ${name} }`);
  }
}
