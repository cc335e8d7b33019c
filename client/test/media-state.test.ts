import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterFailure, Ask, Device, DeviceEvent, Effect, initialDevice, isBusy, isRefusal, Kind,
  transition,
} from '../src/media-state.js';

const none = initialDevice;
const asking: Device = { ...none, phase: 'asking', ask: 3 };
const own: Device = { ...none, phase: 'live', isOwn: true, ask: 4 };
const given: Device = { ...none, phase: 'live', ask: 5 };
const lost: Device = { ...none, isLost: true, ask: 6 };
const closed: Device = { ...none, phase: 'closed', ask: 7 };

const got = (ask: number): DeviceEvent => ({ type: 'got', ask });
const failed = (ask: number, isRefused = false): DeviceEvent =>
  ({ type: 'failed', ask, isRefusal: isRefused });
const enable = (on: boolean): DeviceEvent => ({ type: 'enable', on });
const ended = (livedMs: number): DeviceEvent => ({ type: 'ended', livedMs });
const off = (device: Device): Device => ({ ...device, isOn: false });

type Row = [string, Kind, Device, DeviceEvent, Partial<Device>, Effect[]];
const table: Row[] = [
  ['opened', 'video', none, { type: 'open' }, { phase: 'asking' }, []],
  ['opened twice', 'video', asking, { type: 'open' }, {}, []],
  ['opened with one given', 'video', given, { type: 'open' }, {}, []],
  ['a camera that is off is not opened', 'video', off(none), { type: 'open' }, {}, []],
  ['a mic that is off is', 'audio', off(none), { type: 'open' }, { phase: 'asking' }, []],

  ['got', 'video', asking, got(3), { phase: 'live', isOwn: true, ask: 4 }, ['take']],
  ['got too late', 'video', asking, got(2), {}, ['stop']],
  ['got when off meanwhile', 'video', off(asking), got(3), { phase: 'none', ask: 4 }, ['stop']],
  ['a mic is got all the same', 'audio', off(asking), got(3),
    { phase: 'live', isOwn: true, ask: 4 }, ['take']],
  ['got another beside the old one', 'audio', own, got(4), { ask: 5 }, ['take']],
  ['got after it was lost', 'video', { ...asking, isLost: true }, got(3),
    { phase: 'live', isOwn: true, isLost: false, ask: 4 }, ['take']],
  ['got when closed', 'video', closed, got(7), {}, ['stop']],

  ['failed', 'video', asking, failed(3), { phase: 'none' }, ['release', 'tell']],
  ['failed too late', 'video', asking, failed(2), {}, []],
  ['lost, and failed', 'video', { ...asking, isLost: true }, failed(3), { phase: 'none' },
    ['release', 'tell']],
  ['lost, and refused', 'video', { ...asking, isLost: true }, failed(3, true),
    { phase: 'none', isLost: false }, ['release', 'tell']],
  ['failed when closed', 'video', closed, failed(7), {}, []],

  ['own camera off', 'video', own, enable(false), { phase: 'none', isOn: false }, ['release']],
  ['own mic off', 'audio', own, enable(false), { isOn: false }, ['mute']],
  ['given camera off', 'video', given, enable(false), { isOn: false }, ['mute']],
  ['given mic off', 'audio', given, enable(false), { isOn: false }, ['mute']],
  ['own mic on', 'audio', off(own), enable(true), { isOn: true }, ['unmute']],
  ['given camera on', 'video', off(given), enable(true), { isOn: true }, ['unmute']],
  ['own camera on again', 'video', own, enable(true), {}, ['unmute']],
  ['camera on', 'video', off(none), enable(true), { phase: 'asking', isOn: true, ask: 1 }, ['ask']],
  ['mic on', 'audio', off(none), enable(true), { phase: 'asking', isOn: true, ask: 1 }, ['ask']],
  ['off while nothing is there', 'video', none, enable(false), { isOn: false }, []],
  ['off while the prompt is open', 'video', asking, enable(false), { isOn: false }, []],
  ['on while the prompt is open', 'video', off(asking), enable(true), { isOn: true }, []],
  ['on when closed', 'video', closed, enable(true), {}, []],

  ['given', 'video', own, { type: 'given', isThere: true }, { isOwn: false, ask: 5 }, ['take']],
  ['given one of ours', 'video', own, { type: 'given', isThere: true, isOwn: true }, { ask: 5 },
    ['take']],
  ['given while the prompt is open', 'video', asking, { type: 'given', isThere: true },
    { phase: 'live', ask: 4 }, ['take']],
  ['given none', 'video', own, { type: 'given', isThere: false }, { phase: 'none', ask: 5 },
    ['release']],
  ['given while off: stays off', 'video', off(none), { type: 'given', isThere: true },
    { phase: 'live', ask: 1 }, ['take']],

  ['ended', 'video', own, ended(60_000), { phase: 'asking', isLost: true, ask: 5 },
    ['tell', 'ask']],
  ['a muted mic ended', 'audio', off(own), ended(60_000),
    { phase: 'asking', isLost: true, ask: 5 }, ['tell', 'ask']],
  ['ended soon', 'video', own, ended(100), { phase: 'asking', isLost: true, tries: 1, ask: 5 },
    ['tell', 'ask']],
  ['ended soon once more', 'video', { ...own, tries: 3 }, ended(100),
    { phase: 'none', isLost: true, tries: 4 }, ['release', 'tell']],
  ['ended late once more', 'video', { ...own, tries: 3 }, ended(60_000),
    { phase: 'asking', isLost: true, tries: 0, ask: 5 }, ['tell', 'ask']],
  ['a given one ended', 'video', given, ended(60_000), { phase: 'none' }, ['release', 'tell']],
  ['ended when let go', 'video', none, ended(100), {}, []],
  ['ended when closed', 'video', closed, ended(100), {}, []],

  ['devices change', 'video', lost, { type: 'devicechange' }, { phase: 'asking', ask: 7 },
    ['retry']],
  ['devices change for a muted mic', 'audio', off(lost), { type: 'devicechange' },
    { phase: 'asking', ask: 7 }, ['retry']],
  ['devices change, camera off', 'video', off(lost), { type: 'devicechange' }, {}, []],
  ['devices change, never there', 'video', none, { type: 'devicechange' }, {}, []],
  ['devices change, live', 'video', own, { type: 'devicechange' }, {}, []],
  ['devices change, closed', 'video', { ...closed, isLost: true }, { type: 'devicechange' }, {},
    []],

  ['closed', 'video', own, { type: 'close' }, { phase: 'closed' }, []],
];

for (const [name, kind, state, event, change, effects] of table) {
  test(`${kind}: ${name}`, () => {
    assert.deepEqual(transition(kind, state, event), { state: { ...state, ...change }, effects });
  });
}

const no = (name: string): Error => Object.assign(new Error(name), { name });
const both: Ask = { audio: true, video: { width: 640 } };
const exact = { deviceId: { exact: 'gone' } };

type Failure = [string, Ask, Ask[], Error, Kind[], Ask[], Kind[], boolean];
const failures: Failure[] = [
  ['a refusal is final', both, [], no('NotAllowedError'), [], [], ['audio', 'video'], false],
  ['both are blocked', both, [], no('NotAllowedError'), ['audio', 'video'], [],
    ['audio', 'video'], false],
  ['only the camera is blocked', both, [], no('NotAllowedError'), ['video'],
    [{ audio: true }], ['video'], false],
  ['a refusal ends what was still to be asked', { audio: true }, [{ video: true }],
    no('NotAllowedError'), [], [], ['audio', 'video'], false],
  ['one of two is not there: each alone', both, [], no('NotFoundError'), [],
    [{ audio: true }, { video: { width: 640 } }], [], false],
  ['one of two is busy: each alone', both, [], no('NotReadableError'), [],
    [{ audio: true }, { video: { width: 640 } }], [], false],
  ['one fails, the other is asked for', { audio: true }, [{ video: true }],
    no('NotReadableError'), [], [{ video: true }], ['audio'], false],
  ['the one wanted is gone', { video: exact }, [], no('OverconstrainedError'), [],
    [{ video: true }], [], true],
  ['the one wanted is gone, other wishes stay', { video: { ...exact, width: 640 } },
    [{ audio: true }], no('NotFoundError'), [], [{ video: { width: 640 } }, { audio: true }], [],
    true],
  ['the one wanted is busy', { video: exact }, [], no('NotReadableError'), [], [], ['video'],
    false],
  ['a wish that none fulfils', { video: { width: 9 } }, [], no('OverconstrainedError'), [], [],
    ['video'], false],
];

for (const [name, ask, rest, err, denied, asks, kinds, isStale] of failures) {
  test(`getUserMedia fails: ${name}`, () => {
    assert.deepEqual(afterFailure(ask, rest, err, denied), { asks, failed: kinds, isStale });
  });
}

test('tells refusals and busy devices from other errors', () => {
  assert(isRefusal(no('NotAllowedError')) && isRefusal(no('SecurityError')));
  assert(!isRefusal(no('NotFoundError')) && !isRefusal(undefined));
  assert(isBusy(no('NotReadableError')) && isBusy(no('AbortError')));
  assert(!isBusy(no('OverconstrainedError')));
});
