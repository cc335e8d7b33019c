import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CHECK_MS, EMPTY, Facts, Kind, Link, MeshEffect, MeshEvent, MeshState, ORPHAN_MS, Person,
  proofOf, transition,
} from '../src/links.js';

type Bare<Event> = Event extends unknown ? Omit<Event, 'id' | 'own'> : never;

const BOB: Person = { connectionId: 'b1', peerId: 'bob', name: 'Bob', polite: false };
const BACK: Person = { ...BOB, connectionId: 'b2' };
const HEARD: Facts = { hasHeard: true, isOffering: false, isSamePage: false };
const OFFERING: Facts = { hasHeard: false, isOffering: true, isSamePage: false };

/** A page's mesh through some events. */
class Page {
  state: MeshState = EMPTY;
  effects: MeshEffect[] = [];
  own: string | undefined = 'a1';
  private count = 0;

  /** @returns in short what is to be done about it. */
  on(event: Bare<MeshEvent>): string {
    const before = JSON.stringify([...this.state.links, ...this.state.people]);
    const old = this.state;
    this.count += 1;
    const { state, effects } = transition(
      old, { ...event, id: `L${this.count}`, own: this.own } as MeshEvent);
    assert.equal(JSON.stringify([...old.links, ...old.people]), before, 'the old is as it was');
    this.state = state;
    this.effects = effects;
    return effects.map(brief).join(', ');
  }

  joins(person: Person): string {
    return this.on({ type: 'joined', person });
  }

  /** Somebody comes, and a connection with it stands. */
  knows(person: Person, link: string | undefined = 'L'): Link {
    this.joins(person);
    const key = this.state.count;
    const made = { ...this.state.links.get(key)!, name: link };
    this.state = { ...this.state, links: new Map(this.state.links).set(key, made) };
    this.on({ type: 'status', key, status: 'connected' });
    return this.state.links.get(key)!;
  }

  hears(from: string, kind: Kind, link?: string, more: Record<string, unknown> = {}): string {
    return this.on({
      type: 'said', from, kind, link, proofs: [], peerId: 'bob', name: 'Bob', facts: HEARD, ...more,
    } as Bare<MeshEvent>);
  }

  get links(): string[] {
    return [...this.state.links.values()].map(
      ({ key, person, isOrphan }) => `${key}: ${person.connectionId}${isOrphan ? ' lost' : ''}`);
  }
}

function brief(effect: MeshEffect): string {
  switch (effect.do) {
    case 'begin': return `begin ${effect.link.key} with ${effect.link.person.connectionId}`
      + (effect.isOfferer ? '' : ' as asked');
    case 'move': return `move ${effect.link.key} to ${effect.link.person.connectionId}`;
    case 'tell': return `tell ${effect.to} ${String(effect.payload.type)}`;
    case 'problem': return `problem with ${effect.person.connectionId}`;
    case 'wait': return `wait ${effect.timer}`;
    case 'unwait': return `unwait ${effect.timer}`;
    default: return `${effect.do} ${effect.key}`;
  }
}

describe('what another page says is decided by whose link it names', () => {
  type Row = [Kind, string, string, string, string];
  // of this link, of another link of ours, of one that nobody knows, from whom there is no link
  const rows: Row[] = [
    ['offer', 'take 1', 'begin 2 with x as asked, take 2',
      'close 1, begin 2 with b1 as asked, take 2', 'begin 2 with x as asked, take 2'],
    ['again', 'take 1', 'tell x link_lost', 'tell b1 link_lost', 'tell x link_lost'],
    ['answer', 'take 1', '', '', ''],
    ['ice_candidate', 'take 1', '', '', ''],
    ['link_check', '', 'move 1 to x, tell x usher.link_kept', 'tell b1 link_lost',
      'tell x link_lost'],
    ['link_lost', 'close 1, begin 2 with b1', 'close 1', '', ''],
    ['usher.link_kept', '', 'move 1 to x', '', ''],
    ['usher.negotiation_failed', 'problem with b1', '', '', 'problem with x'],
  ];
  for (const [kind, mine, shown, other, none] of rows) {
    test(kind, () => {
      const said = (from: string, link: string): string => {
        const page = new Page();
        page.knows(BOB);
        return page.hears(from, kind, link);
      };
      assert.equal(said('b1', 'L'), mine);
      assert.equal(said('x', 'L'), shown);
      assert.equal(said('b1', 'M'), other);
      assert.equal(said('x', 'M'), none);
    });
  }
});

describe('who comes', () => {
  test('after us is called, who was there before us calls', () => {
    const page = new Page();
    assert.equal(page.joins(BOB), 'begin 1 with b1');
    assert.equal(page.joins(BOB), '', 'told twice');
    const there = { ...BOB, connectionId: 'c1', polite: true };
    assert.equal(page.on({ type: 'there', person: there, begins: false }), '');
    assert.equal(page.on({ type: 'there', person: there, begins: true }), 'begin 2 with c1');
  });

  test('with the peer id of somebody who is there is somebody else', () => {
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.joins({ ...BOB, connectionId: 'e' }), 'begin 2 with e');
    assert.equal(page.on({ type: 'left', connectionId: 'e' }), 'close 2');
    assert.deepEqual(page.links, ['1: b1']);
  });

  test('and offers first is known by its claims until the server has told more', () => {
    const page = new Page();
    page.hears('x', 'offer', 'M', { peerId: 'mallory', name: 'Mallory' });
    assert.deepEqual(page.state.links.get(1)!.person,
      { connectionId: 'x', peerId: 'mallory', name: 'Mallory', polite: true });
    page.on({ type: 'there', person: { ...BOB, name: null }, begins: false });
    page.hears('b1', 'offer', 'N', { peerId: 'mallory', name: 'Mallory' });
    assert.equal(page.state.links.get(2)!.person.peerId, 'bob');
  });
});

describe('offers of both at once', () => {
  test('let the impolite side go on, and the polite side give way', () => {
    const given = 'close 1, begin 2 with b1 as asked, take 2';
    for (const [polite, done] of [[false, ''], [true, given]]) {
      const page = new Page();
      page.joins({ ...BOB, polite: Boolean(polite) });
      assert.equal(page.hears('b1', 'offer', 'M', { facts: OFFERING }), done);
    }
  });

  test('let a classic client have its way, who knows of no politeness', () => {
    const page = new Page();
    page.joins(BOB);
    assert.equal(page.hears('b1', 'offer', undefined, { facts: OFFERING }),
      'close 1, begin 2 with b1 as asked, take 2');
  });
});

describe('a classic client', () => {
  test('is known by its first answer, which names no link', () => {
    const page = new Page();
    page.joins(BOB);
    assert.equal(page.hears('b1', 'answer', undefined, { facts: OFFERING }), 'classic 1, take 1');
    assert.equal(page.hears('b1', 'ice_candidate'), 'take 1');
  });

  test('offers a change by the same certificate, and a new connection by another', () => {
    const page = new Page();
    page.joins(BOB);
    page.hears('b1', 'answer', undefined, { facts: OFFERING });
    assert.equal(page.hears('b1', 'offer', undefined, { facts: { ...HEARD, isSamePage: true } }),
      'take 1');
    assert.equal(page.hears('b1', 'offer'), 'close 1, begin 2 with b1 as asked, take 2');
  });

  test('does not take over a link by naming none', () => {
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.hears('b1', 'answer'), '', 'its own is of ours');
  });
});

describe('after the room was entered anew', () => {
  function restarted(): Page {
    const page = new Page();
    page.knows(BOB);
    page.own = 'a2';
    assert.equal(page.on({ type: 'fresh' }), 'wait orphan 1');
    assert.equal((page.effects[0] as { ms: number }).ms, ORPHAN_MS);
    return page;
  }

  test('who may be the old page is asked without being told the name of the link', () => {
    const page = restarted();
    assert.equal(page.joins(BACK), 'tell b2 link_check, wait check b2');
    const [tell] = page.effects as unknown as [{ payload: Record<string, unknown> }];
    assert.deepEqual(tell.payload, { type: 'link_check', proofs: [proofOf('L', 'a2', 'b2')] });
    assert.equal(page.hears('b2', 'usher.link_kept', 'L'),
      'unwait check b2, unwait orphan 1, move 1 to b2');
    assert.deepEqual(page.links, ['1: b2']);
  });

  test('a proof is good from its maker and for its receiver alone', () => {
    const good = proofOf('L', 'x2', 'a2');
    const kept = 'unwait orphan 1, move 1 to x2, tell x2 usher.link_kept';
    assert.equal(restarted().hears('x2', 'link_check', undefined, { proofs: ['?', good] }), kept);
    const bad: [string, string][] = [
      ['e', good], ['x2', proofOf('L', 'a2', 'x2')], ['x2', proofOf('M', 'x2', 'a2')],
      ['x2', proofOf('L', 'x2', 'e')],
    ];
    for (const [from, proof] of bad) {
      assert.equal(restarted().hears(from, 'link_check', undefined, { proofs: [proof] }),
        `tell ${from} link_lost`);
    }
  });

  test('who says the old id and knows nothing gets a connection of its own', () => {
    for (const answer of [
      (page: Page) => page.hears('e', 'link_lost'),
      (page: Page) => page.on({ type: 'check_over', connectionId: 'e' }),
    ]) {
      const page = restarted();
      page.joins({ ...BOB, connectionId: 'e' });
      assert.match(answer(page), /begin 2 with e$/);
      assert.deepEqual(page.links, ['1: b1 lost', '2: e']);
      assert.equal(page.joins(BACK), 'tell b2 link_check, wait check b2');
      assert.match(page.hears('b2', 'usher.link_kept', 'L'), /move 1 to b2/);
      assert.equal(page.on({ type: 'left', connectionId: 'e' }), 'close 2');
    }
  });

  test('who leaves before the answer is not called', () => {
    const page = restarted();
    page.joins(BACK);
    assert.equal(page.on({ type: 'left', connectionId: 'b2' }), 'unwait check b2');
    assert.equal(page.on({ type: 'check_over', connectionId: 'b2' }), '');
  });

  test('who is known by another id is kept all the same, for the link is what counts', () => {
    const page = restarted();
    const proofs = [proofOf('L', 'x', 'a2')];
    assert.match(page.hears('x', 'link_check', undefined, { proofs }), /move 1 to x/);
    assert.equal(page.state.links.get(1)!.person.peerId, 'bob');
  });

  test('a connection that does not work is not kept', () => {
    for (const status of ['connecting', 'disconnected'] as const) {
      const page = restarted();
      page.on({ type: 'status', key: 1, status });
      assert.equal(page.joins(BACK), 'begin 2 with b2');
      assert.equal(page.hears('c', 'link_check', 'L'), 'tell c link_lost');
    }
  });

  test('a connection ends when it fails, or when nobody came back in time', () => {
    for (const status of ['failed', 'closed'] as const) {
      assert.equal(restarted().on({ type: 'status', key: 1, status }), 'unwait orphan 1, close 1');
    }
    assert.match(restarted().on({ type: 'orphan_over', key: 1 }), /close 1$/);
    const page = new Page();
    page.knows(BOB);
    assert.equal(page.on({ type: 'status', key: 1, status: 'failed' }), '', 'its page can mend it');
  });

  test('once more, each connection waits anew, and no old timer ends it', () => {
    const page = restarted();
    page.joins(BACK);
    page.hears('b2', 'usher.link_kept', 'L');
    assert.equal(page.on({ type: 'orphan_over', key: 1 }), '', 'a timer that came late');
    assert.equal(page.on({ type: 'fresh' }), 'wait orphan 1');
    assert.equal(page.on({ type: 'fresh' }), '', 'who waits already waits on');
  });

  test('who was asked in the old room is asked no more', () => {
    const page = restarted();
    page.joins(BACK);
    assert.equal(page.on({ type: 'fresh' }), 'unwait check b2');
    assert.equal(page.on({ type: 'check_over', connectionId: 'b2' }), '');
  });
});

describe('in the classic dialect', () => {
  function classic(link: string | undefined = 'L'): Page {
    const page = new Page();
    page.own = undefined;
    page.knows(BOB, link);
    return page;
  }

  test('a page that comes back shows the name to whoever had it, at the same connection', () => {
    const page = classic();
    assert.equal(page.on({ type: 'fresh' }), 'tell b1 link_check, wait orphan 1');
    assert.deepEqual((page.effects[0] as { payload: unknown }).payload,
      { type: 'link_check', link: 'L' });
    assert.equal((page.effects[1] as { ms: number }).ms, CHECK_MS);
    assert.equal(page.hears('b1', 'usher.link_kept', 'L'), 'unwait orphan 1, move 1 to b1');
    const lost = classic();
    lost.on({ type: 'fresh' });
    assert.equal(lost.hears('b1', 'link_lost', 'L'), 'unwait orphan 1, close 1');
  });

  test('whoever is there lets it come back, since nobody tells who has left', () => {
    const page = classic();
    assert.equal(page.joins(BACK), 'tell b2 link_check, wait check b2');
    assert.equal(page.hears('b2', 'link_check', 'L'),
      'unwait check b2, move 1 to b2, tell b2 usher.link_kept');
    assert.equal(page.hears('b2', 'link_lost'), '', 'of what it was asked before');
  });

  test('nothing proves who is who where both have other connection ids', () => {
    const page = classic();
    page.on({ type: 'fresh' });
    assert.equal(page.joins(BACK), 'begin 2 with b2');
    const proofs = [proofOf('L', 'e', 'undefined'), proofOf('L', 'e', '')];
    assert.equal(page.hears('e', 'link_check', undefined, { proofs }), 'tell e link_lost');
  });

  test('a new offer of the same connection takes the place of the old', () => {
    const page = classic('L');
    page.on({ type: 'fresh' });
    assert.equal(page.hears('b1', 'offer', 'M'),
      'unwait orphan 1, close 1, begin 2 with b1 as asked, take 2');
  });
});

test('a connection that could not be begun leaves no trace', () => {
  const page = new Page();
  page.joins(BOB);
  assert.equal(page.on({ type: 'gone', key: 1 }), 'close 1');
  assert.equal(page.on({ type: 'gone', key: 1 }), '');
  assert.deepEqual(page.links, []);
  assert.equal(page.hears('b1', 'answer', 'L1'), '');
});
