import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { CHECK_MS, Mesh, ORPHAN_MS } from '../src/mesh.js';
import { Host, Peer, Person } from '../src/peer.js';
import { FakeConnection, FakeTimers } from './fakes.js';

type Member = Omit<Person, 'polite'>;
const BOB: Member = { connectionId: 'b1', peerId: 'bob', name: 'Bob' };
const BACK: Member = { ...BOB, connectionId: 'b2' };

/** A page's mesh, and in short what it does. */
class Page {
  static last: Page | undefined;
  own: string | undefined = 'a1';
  readonly told: Record<string, unknown>[] = [];
  private done: string[] = [];
  private readonly peers: Peer[] = [];
  readonly timers = new FakeTimers((text) => this.done.push(text));
  readonly mesh = new Mesh({
    roomId: 'lobby',
    connectionId: () => this.own, configuration: () => ({ iceServers: [] }),
    stream: () => undefined,
    sound: () => undefined, receive: [],
    create: () => new FakeConnection() as unknown as RTCPeerConnection,
    tell: (to, payload) => {
      this.told.push(payload);
      this.done.push(`tell ${to} ${String(payload.type)}`);
    },
    emit: (type, detail) => {
      const { connectionId } = detail as { connectionId: string };
      const peer = this.mesh.all.find((one) => !this.peers.includes(one));
      if (type === 'negotiationFailed') this.done.push(`problem with ${connectionId}`);
      if (type === 'someone_left') this.done.push(`lost ${connectionId}`);
      if (peer) {
        const asked = fake(peer).channels.length ? '' : ' as asked';
        this.done.push(`begin ${this.peers.push(peer)} with ${connectionId}${asked}`);
      }
    },
  } as Host);

  constructor() {
    Page.last = this;
    const log = (what: string, peer: Peer, more = ''): void =>
      void this.done.push(`${what} ${this.peers.indexOf(peer) + 1}${more}`);
    const { close } = real;
    Object.assign(Peer.prototype, {
      take(this: Peer) { log('take', this); },
      goOn(this: Peer) { log('move', this, ` to ${this.info.connectionId}`); },
      close(this: Peer) {
        log('close', this);
        close.call(this);
      },
    });
  }

  /** @returns in short what is done meanwhile. */
  on(step: () => unknown): string {
    this.done = [];
    step();
    return this.done.join(', ');
  }

  joins(person: Member): string {
    return this.on(() => this.mesh.welcome(person));
  }

  leaves(connectionId: string): string {
    return this.on(() => this.mesh.leave(connectionId));
  }

  enters(): string {
    return this.on(() => this.mesh.uproot());
  }

  /** So much time goes by for a timer. */
  waits(ms: number): string {
    return this.on(() => this.timers.fire(ms));
  }

  /** The page at the other end says over the connection who it is. */
  hearsThere(connectionId: string, number = 1): string {
    const channel = { label: 'usher.here', protocol: connectionId };
    return this.on(() => fake(this.peer(number)).ondatachannel!({ channel }));
  }

  /** What it says itself over a connection. */
  announced(number = 1): unknown[] {
    return fake(this.peer(number)).channels.filter(({ label }) => label === 'usher.here')
      .map(({ protocol }) => protocol);
  }

  becomes(state: RTCPeerConnectionState, number = 1): string {
    return this.on(() => fake(this.peer(number)).become(state));
  }

  peer(number: number): Peer {
    return this.peers[number - 1]!;
  }

  /** Somebody comes, and a connection with it stands. */
  knows(person: Member, link: string | undefined = 'L'): void {
    this.joins(person);
    const peer = this.peers[this.peers.length - 1]!;
    Object.assign(peer, { link, hasHeard: true });
    const number = this.peers.length;
    Object.assign(fake(peer), {
      localDescription: { sdp: `a=fingerprint:own ${number}` },
      remoteDescription: { sdp: `a=fingerprint:other ${number}` },
    });
    fake(peer).become('connected');
  }

  hears(from: string, type: string, link?: string, more: Record<string, unknown> = {}): string {
    return this.on(() => {
      const data = { connectionId: from, link, offererId: 'bob', name: 'Bob', ...more };
      assert(this.mesh.take(type, data));
    });
  }

  get links(): string[] {
    return this.mesh.all.map((peer) =>
      `${this.peers.indexOf(peer) + 1}: ${peer.info.connectionId}${peer.orphaned ? ' lost' : ''}`);
  }
}

const real = { take: Peer.prototype.take, goOn: Peer.prototype.goOn, close: Peer.prototype.close };
const fake = (peer: Peer): FakeConnection => peer.connection as unknown as FakeConnection;

/** Its own first offer is under way, and nothing was heard. */
const offering = (peer: Peer): void =>
  void Object.defineProperty(peer, 'isOffering', { value: true });

afterEach(() => {
  Page.last?.timers.restore();
  Object.assign(Peer.prototype, real);
});

describe('what another page says is decided by whose link it names', () => {
  type Row = [string, Record<string, unknown>, string, string, string, string];
  // of this link, of another link of ours, of one that nobody knows, from whom there is no link
  const rows: Row[] = [
    ['offer', {}, 'take 1', 'begin 2 with x as asked, take 2',
      'close 1, begin 2 with b1 as asked, take 2', 'begin 2 with x as asked, take 2'],
    ['offer', { again: true }, 'take 1', 'tell x link_lost', 'tell b1 link_lost',
      'tell x link_lost'],
    ['answer', {}, 'take 1', '', '', ''],
    ['ice_candidate', {}, 'take 1', '', '', ''],
    ['link_check', {}, '', '', 'tell b1 link_lost', 'tell x link_lost'],
    ['link_lost', {}, 'close 1, begin 2 with b1', 'close 1', '', ''],
    ['usher.link_kept', {}, '', '', '', ''],
    ['usher.negotiation_failed', {}, 'problem with b1', '', '', 'problem with x'],
  ];
  for (const [type, more, mine, shown, other, none] of rows) {
    test(`${type} ${Object.keys(more).join(' ')}`, () => {
      const said = (from: string, link: string): string => {
        const page = new Page();
        page.knows(BOB);
        const done = page.hears(from, type, link, more);
        page.timers.restore();
        return done;
      };
      assert.equal(said('b1', 'L'), mine);
      assert.equal(said('x', 'L'), shown);
      assert.equal(said('b1', 'M'), other);
      assert.equal(said('x', 'M'), none);
    });
  }

  test('another type is the application\'s', () => {
    const { mesh } = new Page();
    for (const type of ['chat', 'again', 'constructor', '']) assert(!mesh.take(type, {}));
  });
});

describe('who comes', () => {
  test('after us is called, who was there before us calls', () => {
    const page = new Page();
    assert.equal(page.joins(BOB), 'begin 1 with b1');
    assert.equal(page.joins(BOB), '', 'told twice');
    const there = { ...BOB, connectionId: 'c1', polite: true };
    assert.equal(page.on(() => page.mesh.meet(there, false)), '');
    assert.equal(page.on(() => page.mesh.meet(there, true)), 'begin 2 with c1');
    assert.deepEqual([page.peer(1).polite, page.peer(2).polite], [false, true]);
  });

  test('with the peer id of somebody who is there is somebody else', () => {
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.joins({ ...BOB, connectionId: 'e' }), 'begin 2 with e');
    assert.equal(page.leaves('e'), 'close 2');
    assert.deepEqual(page.links, ['1: b1']);
  });

  test('and offers first is known by its claims until the server has told more', () => {
    const page = new Page();
    const claims = { offererId: 'mallory', name: 'Mallory' };
    page.hears('x', 'offer', 'M', claims);
    const { info, polite } = page.peer(1);
    assert.deepEqual([info.connectionId, info.peerId, info.name, polite],
      ['x', 'mallory', 'Mallory', true]);
    page.mesh.meet({ ...BOB, name: null, polite: false }, false);
    page.hears('b1', 'offer', 'N', claims);
    assert.deepEqual([page.peer(2).info.peerId, page.peer(2).polite], ['bob', false]);
  });
});

describe('offers of both at once', () => {
  test('let the impolite side go on, and the polite side give way', () => {
    const given = 'close 1, begin 2 with b1 as asked, take 2';
    for (const [polite, done] of [[false, ''], [true, given]] as const) {
      const page = new Page();
      page.mesh.meet({ ...BOB, polite }, true);
      offering(page.peer(1));
      assert.equal(page.hears('b1', 'offer', 'M'), done);
      page.timers.restore();
    }
  });

  test('let a classic client have its way, who knows of no politeness', () => {
    const page = new Page();
    page.joins(BOB);
    offering(page.peer(1));
    assert.equal(page.hears('b1', 'offer'), 'close 1, begin 2 with b1 as asked, take 2');
  });
});

describe('a classic client', () => {
  test('is known by its first answer, which names no link', () => {
    const page = new Page();
    page.joins(BOB);
    assert(page.peer(1).link);
    assert.equal(page.hears('b1', 'answer'), 'take 1');
    assert.equal(page.peer(1).link, undefined);
    assert.equal(page.hears('b1', 'ice_candidate'), 'take 1');
  });

  test('offers a change by the same certificate, and a new connection by another', () => {
    const page = new Page();
    page.joins(BOB);
    page.hears('b1', 'answer');
    page.peer(1).hasHeard = true;
    page.peer(1).isOfSamePage = () => true;
    assert.equal(page.hears('b1', 'offer'), 'take 1');
    page.peer(1).isOfSamePage = () => false;
    assert.equal(page.hears('b1', 'offer'), 'close 1, begin 2 with b1 as asked, take 2');
  });

  test('does not take over a link by naming none', () => {
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.hears('b1', 'answer'), '', 'its own is of ours');
    assert.equal(page.peer(1).link, 'L');
  });

  test('is told to be gone by its connection alone', () => {
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.becomes('failed'), 'wait 0', 'a page of ours looks for another path');
    page.peer(1).link = undefined;
    assert.equal(page.becomes('failed'), 'unwait, close 1, lost b1');
  });
});

const KEPT = 'tell b2 usher.link_kept, move 1 to b2';

describe('after the room was entered anew', () => {
  function restarted(): Page {
    Page.last?.timers.restore();
    const page = new Page();
    page.knows(BOB);
    page.own = 'a2';
    assert.equal(page.enters(), `wait ${ORPHAN_MS}`);
    return page;
  }

  /** Bob is there already; who else has come is Eve. */
  function met(): Page {
    const page = restarted();
    page.mesh.meet({ ...BACK, polite: true }, false);
    page.mesh.meet({ ...BACK, connectionId: 'e', polite: true }, false);
    return page;
  }

  const check = { fingerprints: ['?', 'other 1'] };

  test('who may be the old page is asked, and told nothing that only this one knows', () => {
    const page = restarted();
    assert.deepEqual(page.announced(), ['a2']);
    assert.equal(page.joins(BACK), `tell b2 link_check, wait ${CHECK_MS}`);
    assert.deepEqual(page.told, [{ type: 'link_check', fingerprints: ['own 1'] }]);
    assert.equal(page.hearsThere('b2'), '');
    assert.equal(page.hears('b2', 'usher.link_kept', 'L'), `unwait, unwait, ${KEPT}`);
    assert.deepEqual(page.links, ['1: b2']);
    assert.deepEqual(page.told[1], { type: 'usher.link_kept', link: 'L' });
  });

  test('who was there keeps the connection, whichever of both is heard first', () => {
    const page = met();
    page.hearsThere('b2');
    assert.equal(page.hears('b2', 'link_check', undefined, check), `unwait, ${KEPT}`);
    assert.equal(page.peer(1).polite, true);
    const late = met();
    assert.equal(late.hears('b2', 'link_check', undefined, check), '');
    assert.equal(late.hearsThere('b2'), `unwait, ${KEPT}`);
  });

  test('it is kept neither for what one, nor for what the other says alone', () => {
    const page = met();
    page.hearsThere('b2');
    assert.equal(page.hears('e', 'link_check', undefined, check), '');
    assert.equal(page.hears('e', 'link_check', 'L'), '');
    assert.equal(page.hears('e', 'usher.link_kept', 'L'), '');
    assert.equal(page.hearsThere('nobody'), '');
    assert.deepEqual(page.links, ['1: b1 lost']);
    assert.equal(page.hearsThere('b2'), '', 'said by no check');
    assert.equal(page.hearsThere('e'), 'unwait, tell e usher.link_kept, move 1 to e');
  });

  test('another connection of who is there says nothing of this one', () => {
    const page = new Page();
    page.knows(BOB);
    page.knows({ ...BOB, connectionId: 'e1', peerId: 'eve' }, 'M');
    page.own = 'a2';
    page.enters();
    page.mesh.meet({ ...BACK, polite: true }, false);
    assert.equal(page.hearsThere('b2', 2), '');
    assert.equal(page.hears('b2', 'link_check', undefined, check), '');
    assert.equal(page.hearsThere('b2', 2), '');
    assert.match(page.hearsThere('b2', 1), /move 1 to b2/);
    assert.equal(page.hearsThere('b2', 2), '', 'it has one');
  });

  test('what is no fingerprint of a connection shows none', () => {
    for (const fingerprints of [7, [7, {}], 'other 1', { length: 1 }, [], ['own 1']]) {
      const page = met();
      page.hearsThere('b2');
      assert.equal(page.hears('b2', 'link_check', undefined, { fingerprints }),
        'tell b2 link_lost');
    }
  });

  test('who was told a fingerprint ends nothing with it', () => {
    const page = met();
    for (const type of ['link_lost', 'usher.negotiation_failed', 'answer', 'ice_candidate']) {
      assert(!page.hears('e', type, 'M', check).includes('close'));
    }
    assert.deepEqual(page.links, ['1: b1 lost']);
  });

  test('a connection that carries nothing any more keeps the others from nothing', () => {
    const page = new Page();
    page.knows(BOB);
    page.knows({ ...BOB, connectionId: 'c1', peerId: 'cid' }, 'M');
    (fake(page.peer(1)) as { createDataChannel: unknown }).createDataChannel = () => {
      throw new Error('The transport is gone');
    };
    page.own = 'a2';
    assert.equal(page.enters(), `wait ${ORPHAN_MS}, wait ${ORPHAN_MS}`);
    assert.deepEqual(page.announced(2), ['a2']);
  });

  test('whoever has left meanwhile gets no connection', () => {
    const page = met();
    page.hears('b2', 'link_check', undefined, check);
    page.leaves('b2');
    assert.equal(page.hearsThere('b2'), '');
  });

  test('who says the old id and knows nothing gets a connection of its own', () => {
    for (const answer of [
      (page: Page) => page.hears('e', 'link_lost'),
      (page: Page) => page.waits(CHECK_MS),
    ]) {
      const page = restarted();
      page.joins({ ...BOB, connectionId: 'e' });
      assert.match(answer(page), /begin 2 with e$/);
      assert.deepEqual(page.links, ['1: b1 lost', '2: e']);
      assert.equal(page.joins(BACK), `tell b2 link_check, wait ${CHECK_MS}`);
      page.hearsThere('b2');
      assert.match(page.hears('b2', 'usher.link_kept', 'L'), /move 1 to b2/);
      assert.equal(page.leaves('e'), 'close 2');
    }
  });

  test('who leaves before the answer is not called', () => {
    const page = restarted();
    page.joins(BACK);
    assert.equal(page.leaves('b2'), 'unwait');
    assert.equal(page.hears('b2', 'link_lost'), '');
    assert.equal(page.waits(CHECK_MS), '');
  });

  test('who is known by another id is kept all the same, for the connection is what counts', () => {
    const page = restarted();
    page.mesh.meet({ ...BACK, peerId: 'robert', polite: true }, false);
    page.hearsThere('b2');
    assert.match(page.hears('b2', 'link_check', undefined, check), /move 1 to b2/);
    assert.equal(page.peer(1).info.peerId, 'robert');
  });

  test('a connection that does not work is not kept', () => {
    for (const status of ['connecting', 'disconnected'] as const) {
      const page = restarted();
      page.becomes(status);
      assert.equal(page.joins(BACK), 'begin 2 with b2');
      assert.equal(page.hears('c', 'link_check', 'L'), 'tell c link_lost');
    }
  });

  test('a connection ends when it fails, or when nobody came back in time', () => {
    for (const status of ['failed', 'closed'] as const) {
      assert.match(restarted().becomes(status), /^(wait 0, )?close 1, unwait(, unwait)?$/);
    }
    assert.equal(restarted().waits(ORPHAN_MS), 'close 1');
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.becomes('failed'), 'wait 0', 'its page can mend it');
  });

  test('once more, each connection waits anew, and no old timer ends it', () => {
    const page = restarted();
    page.joins(BACK);
    page.hearsThere('b2');
    page.hears('b2', 'usher.link_kept', 'L');
    assert.equal(page.timers.running.size, 0);
    page.own = 'a3';
    assert.equal(page.enters(), `wait ${ORPHAN_MS}`);
    page.own = 'a4';
    assert.equal(page.enters(), '', 'who waits already waits on');
    assert.deepEqual(page.announced(), ['a2', 'a3', 'a4'], 'and says by which id');
  });

  test('who was asked in the old room is asked no more', () => {
    const page = restarted();
    page.joins(BACK);
    assert.equal(page.enters(), 'unwait');
    assert.equal(page.hears('b2', 'link_lost'), '');
  });
});

describe('in the classic dialect', () => {
  function classic(link: string | undefined = 'L'): Page {
    Page.last?.timers.restore();
    const page = new Page();
    page.own = undefined;
    page.knows(BOB, link);
    return page;
  }

  test('a page that comes back shows the name to whoever had it, at the same connection', () => {
    const page = classic();
    assert.equal(page.enters(), `tell b1 link_check, wait ${CHECK_MS}`);
    assert.deepEqual(page.told, [{ type: 'link_check', link: 'L' }]);
    assert.equal(page.hears('b1', 'usher.link_kept', 'L'),
      'unwait, tell b1 usher.link_kept, move 1 to b1');
    assert.deepEqual(page.announced(), []);
    const lost = classic();
    lost.enters();
    assert.equal(lost.hears('b1', 'link_lost', 'L'), 'close 1, unwait');
  });

  test('whoever is there lets it come back, since nobody tells who has left', () => {
    const page = classic();
    assert.equal(page.joins(BACK), `tell b2 link_check, wait ${CHECK_MS}`);
    assert.equal(page.hears('b2', 'link_check', 'L'),
      'unwait, tell b2 usher.link_kept, move 1 to b2');
    assert.equal(page.hears('b2', 'link_lost'), '', 'of what it was asked before');
  });

  test('nothing proves who is who where both have other connection ids', () => {
    const page = classic();
    page.enters();
    assert.equal(page.joins(BACK), 'begin 2 with b2');
    const fingerprints = ['other 1'];
    assert.equal(page.hears('e', 'link_check', undefined, { fingerprints }), 'tell e link_lost');
  });

  test('a new offer of the same connection takes the place of the old', () => {
    const page = classic();
    page.enters();
    assert.equal(page.hears('b1', 'offer', 'M'),
      'close 1, unwait, begin 2 with b1 as asked, take 2');
  });

  test('a connection that fails is all that tells of who left', () => {
    const page = classic();
    assert.equal(page.becomes('failed'), 'wait 0, close 1, unwait, lost b1');
    assert.deepEqual(page.links, []);
  });
});
