import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { BOB, offering, Page, tidy } from './page.js';

afterEach(tidy);

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
