import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Device } from '../src/device.js';
import { Ask, findTracks, isBusy, isRefusal, Kind } from '../src/media-ask.js';

const no = (name: string): Error => Object.assign(new Error(name), { name });

class Track extends EventTarget {
  enabled = true;
  stop(): void {
    this.dispatchEvent(new Event('stopped'));
  }
}

/** A device before or after an event, and what was done meanwhile. */
class Case {
  readonly done: string[] = [];
  readonly own = new Set<MediaStreamTrack>();
  readonly device: Device;
  private readonly tracks: unknown[] = [];

  constructor(kind: Kind) {
    this.device = new Device(kind, true, {
      own: this.own,
      acquire: async (_, isQuiet) => void this.done.push(isQuiet ? 'retry' : 'ask'),
      emit: (type, detail) => {
        const { willReplace } = detail as { willReplace: boolean };
        this.done.push(willReplace ? `${type}, replaced` : type);
      },
      sync: () => void this.done.push('sync'),
    });
  }

  track(isOwn = false): MediaStreamTrack {
    const track = new Track();
    this.tracks.push(track);
    track.addEventListener('stopped', () => this.done.push('stop'));
    if (isOwn) this.own.add(track as unknown as MediaStreamTrack);
    return track as unknown as MediaStreamTrack;
  }

  get state(): unknown {
    const { track, asking, isOn, isLost, tries, turn } = this.device;
    const which = this.tracks.indexOf(track);
    const phase = asking ? 'asking' : track ? 'live' : 'none';
    return [which > 0 ? `${phase}:${which + 1}` : phase, isOn ? 'on' : 'off',
      isLost ? 'lost' : '', tries, turn];
  }
}

type Do = (one: Case) => unknown;

const none: Do = () => undefined;
const asking: Do = ({ device }) => Object.assign(device, { asking: Promise.resolve(), turn: 3 });
const live = (isOwn: boolean): Do => (one) => {
  one.device.give(one.track(isOwn));
  one.device.turn = 4;
};
const own = live(true);
const given = live(false);
const lost: Do = ({ device }) => { device.isLost = true; };
const both = (...steps: Do[]): Do => (one) => steps.forEach((step) => step(one));
const enable = (on: boolean): Do => ({ device }) => device.enable(on);
const off = (before: Do): Do => both(before, enable(false));
const got = (turn: number): Do => (one) => one.device.answer(turn, one.track(true), undefined);
const failed = (turn: number, name = 'NotFoundError', isQuiet = false): Do =>
  ({ device }) => device.answer(turn, undefined, no(name), isQuiet);
const give = (isThere: boolean, isOwn = false): Do =>
  (one) => one.device.give(isThere ? one.track(isOwn) : undefined);
const ended = (ms: number, tries = 0): Do => ({ device }) => {
  Object.assign(device, { tries });
  device.ended(ms);
};
const look = (isVisible = true): Do => ({ device }) => device.look(isVisible);

type Row = [string, Kind, Do, Do, string, string];
const table: Row[] = [
  ['got', 'video', asking, got(3), 'live on  0 4', ''],
  ['got too late', 'video', asking, got(2), 'asking on  0 3', 'stop'],
  ['got when off meanwhile', 'video', off(asking), got(3), 'none off  0 4', 'stop'],
  ['a mic is got all the same', 'audio', off(asking), got(3), 'live off  0 4', ''],
  ['got another beside the old one', 'audio', own, got(4), 'live:2 on  0 5', ''],
  ['got after it was lost', 'video', both(asking, lost), got(3), 'live on  0 4', ''],
  ['got when lost and off meanwhile', 'video', both(own, ended(1e6), enable(false)), got(5),
    'none off lost 0 6', 'stop'],

  ['failed', 'video', asking, failed(3), 'none on  0 4', 'mediaProblem'],
  ['failed too late', 'video', asking, failed(2), 'asking on  0 3', ''],
  ['failed beside the old one', 'video', own, failed(4), 'none on  0 5', 'mediaProblem'],
  ['lost, and failed', 'video', both(asking, lost), failed(3), 'none on lost 0 4', 'mediaProblem'],
  ['lost, and failed once more', 'video', both(asking, lost), failed(3, 'NotFoundError', true),
    'none on lost 0 4', ''],
  ['lost, and refused', 'video', both(asking, lost), failed(3, 'NotAllowedError'),
    'none on  0 4', 'mediaProblem'],

  ['own camera off', 'video', own, enable(false), 'none off  0 4', ''],
  ['own mic off', 'audio', own, enable(false), 'live off  0 4', ''],
  ['given camera off', 'video', given, enable(false), 'live off  0 4', ''],
  ['given mic off', 'audio', given, enable(false), 'live off  0 4', ''],
  ['own mic on', 'audio', off(own), enable(true), 'live on  0 4', ''],
  ['given camera on', 'video', off(given), enable(true), 'live on  0 4', ''],
  ['own camera on again', 'video', own, enable(true), 'live on  0 4', ''],
  ['camera on', 'video', off(none), enable(true), 'asking on  0 1', 'ask'],
  ['mic on', 'audio', off(none), enable(true), 'asking on  0 1', 'ask'],
  ['off while nothing is there', 'video', none, enable(false), 'none off  0 0', ''],
  ['off while the prompt is open', 'video', asking, enable(false), 'asking off  0 3', ''],
  ['on while the prompt is open', 'video', off(asking), enable(true), 'asking on  0 3', ''],

  ['given', 'video', own, give(true), 'live:2 on  0 5', ''],
  ['given one of ours', 'video', own, give(true, true), 'live:2 on  0 5', ''],
  ['given while the prompt is open', 'video', asking, give(true), 'live on  0 4', ''],
  ['given none', 'video', own, give(false), 'none on  0 5', ''],
  ['given the same', 'video', own, ({ device }) => device.give(device.track), 'live on  0 5', ''],

  ['ended', 'video', own, ended(60_000), 'asking on lost 0 5', 'mediaProblem, replaced, ask'],
  ['a muted mic ended', 'audio', off(own), ended(60_000), 'asking off lost 0 5',
    'mediaProblem, replaced, ask'],
  ['ended soon', 'video', own, ended(100), 'asking on lost 1 5', 'mediaProblem, replaced, ask'],
  ['ended soon once more', 'video', own, ended(100, 3), 'none on lost 4 4',
    'mediaProblem, sync'],
  ['ended late once more', 'video', own, ended(60_000, 3), 'asking on lost 0 5',
    'mediaProblem, replaced, ask'],
  ['a given one ended', 'video', given, ended(60_000), 'none on  0 4', 'mediaProblem, sync'],
  ['ended when let go', 'video', none, ended(100), 'none on  0 0', ''],
  ['ended while asked for', 'video', both(own, asking), ended(100), 'asking on  0 3', ''],
  ['ended, as the browser says it', 'video', own,
    ({ device }) => device.track!.dispatchEvent(new Event('ended')), 'asking on lost 1 5',
    'mediaProblem, replaced, ask'],
  ['an old one ended', 'video', own, ({ device }) => {
    const { track } = device;
    device.give();
    track!.dispatchEvent(new Event('ended'));
  }, 'none on  0 5', ''],

  ['devices change', 'video', lost, look(), 'asking on lost 0 1', 'retry'],
  ['devices change for a muted mic', 'audio', off(lost), look(), 'asking off lost 0 1', 'retry'],
  ['devices change, camera off', 'video', off(lost), look(), 'none off lost 0 0', ''],
  ['devices change, never there', 'video', none, look(), 'none on  0 0', ''],
  ['devices change, live', 'video', own, look(), 'live on  0 4', ''],
  ['devices change, page hidden', 'video', lost, look(false), 'none on lost 0 0', ''],
  ['devices change, ended unseen', 'video',
    both(own, ({ device }) => Object.assign(device.track!, { readyState: 'ended' })), look(false),
    'asking on lost 0 5', 'mediaProblem, replaced, ask'],
];

for (const [name, kind, before, event, after, done] of table) {
  test(`${kind}: ${name}`, () => {
    const one = new Case(kind);
    before(one);
    one.done.length = 0;
    event(one);
    assert.equal((one.state as unknown[]).join(' '), after);
    assert.equal(one.done.join(', '), done);
  });
}

test('what is to be opened is not there, and a camera is on', () => {
  const mayOpen = (kind: Kind, before: Do): boolean => {
    const one = new Case(kind);
    before(one);
    return one.device.mayOpen;
  };
  assert.deepEqual([none, asking, given, off(none)].map((one) => mayOpen('video', one)),
    [true, false, false, false]);
  assert(mayOpen('audio', off(none)));
});

test('the next track is on where the last one was', () => {
  const next = (...before: Do[]): boolean => {
    const one = new Case('video');
    both(...before)(one);
    one.device.give(one.track());
    return one.device.track!.enabled;
  };
  const disable: Do = ({ device }) => { device.track!.enabled = false; };
  assert.deepEqual([next(none), next(given), next(own)], [true, true, true]);
  assert.deepEqual([next(given, disable), next(given, disable, give(false))], [false, false]);
  assert.deepEqual([next(off(none)), next(off(own))], [false, false]);
  assert(next(off(given), enable(true)));
});

const all: Ask = { audio: true, video: { width: 640 } };
const exact = { deviceId: { exact: 'gone' } };
const refused = 'NotAllowedError';

type Failure = [string, Ask, string[], Kind[], Ask[], string, Kind[]];
// what is wanted, what happens one after another, what is blocked; what was asked for besides, got,
// and said to be another
const failures: Failure[] = [
  ['all is there', all, [''], [], [], 'audio video', []],
  ['a refusal is final', all, [refused], [], [], `audio: ${refused}, video: ${refused}`, []],
  ['both are blocked', all, [refused], ['audio', 'video'], [],
    `audio: ${refused}, video: ${refused}`, []],
  ['only the camera is blocked', all, [refused, ''], ['video'], [{ audio: true }],
    `audio, video: ${refused}`, []],
  ['a refusal ends what was still to be asked', all, ['NotFoundError', refused], [],
    [{ audio: true }], `audio: ${refused}, video: ${refused}`, []],
  ['one of two is not there: each alone', all, ['NotFoundError', '', ''], [],
    [{ audio: true }, { video: { width: 640 } }], 'audio video', []],
  ['one of two is busy: the other alone', all, ['NotReadableError', 'NotReadableError', ''], [],
    [{ audio: true }, { video: { width: 640 } }], 'video, audio: NotReadableError', []],
  ['one fails, and the other is refused', all, ['NotReadableError', 'NotReadableError', refused],
    [], [{ audio: true }, { video: { width: 640 } }],
    `audio: NotReadableError, video: ${refused}`, []],
  ['one is there, and the other is refused', all, ['NotReadableError', '', refused],
    [], [{ audio: true }, { video: { width: 640 } }], `audio, video: ${refused}`, []],
  ['the one wanted is gone', { video: exact }, ['OverconstrainedError', ''], [],
    [{ video: true }], 'video', ['video']],
  ['the one wanted is gone, other wishes stay', { video: { ...exact, width: 640 } },
    ['NotFoundError', ''], [], [{ video: { width: 640 } }], 'video', ['video']],
  ['one of two is gone', { audio: true, video: exact },
    ['OverconstrainedError', '', 'OverconstrainedError', ''], [],
    [{ audio: true }, { video: exact }, { video: true }], 'audio video', ['video']],
  ['the one wanted is busy', { video: exact }, ['NotReadableError'], [], [],
    'video: NotReadableError', []],
  ['a wish that none fulfils', { video: { width: 9 } }, ['OverconstrainedError'], [], [],
    'video: OverconstrainedError', []],
];

for (const [name, wanted, script, blocked, more, expected, replaced] of failures) {
  test(`getUserMedia: ${name}`, async () => {
    const query = async ({ name: what }: { name: string }): Promise<unknown> => ({
      state: blocked.includes(what === 'camera' ? 'video' : 'audio') ? 'denied' : 'prompt',
    });
    Object.defineProperty(globalThis, 'navigator',
      { value: { permissions: { query } }, configurable: true });
    const asked: Ask[] = [];
    const stale: Kind[] = [];
    const { tracks, errors } = await findTracks(wanted, async (ask) => {
      const failure = script[asked.push(ask) - 1];
      assert(failure !== undefined, 'asked too often');
      if (failure) throw no(failure);
      return Object.keys(ask).map((kind) => ({ kind }) as MediaStreamTrack);
    }, () => false, (kind) => stale.push(kind));
    assert.deepEqual(asked, [wanted, ...more]);
    const failed = Object.entries(errors).sort().map(([kind, err]) =>
      `${kind}: ${(err as Error).name}`);
    assert.equal([Object.keys(tracks).join(' '), ...failed].filter(Boolean).join(', '), expected);
    assert.deepEqual(stale, replaced);
  });
}

test('nothing is asked for once it is over', async () => {
  const never = async (): Promise<MediaStreamTrack[]> => assert.fail('asked');
  assert.deepEqual(await findTracks(all, never, () => true, () => undefined),
    { tracks: {}, errors: {} });
});

test('tells refusals and busy devices from other errors', () => {
  assert(isRefusal(no('NotAllowedError')) && isRefusal(no('SecurityError')));
  assert(!isRefusal(no('NotFoundError')) && !isRefusal(undefined));
  assert(isBusy(no('NotReadableError')) && isBusy(no('AbortError')));
  assert(!isBusy(no('OverconstrainedError')));
});
