// Who comes back into the room under another connection id.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { CHECK_MS, ORPHAN_MS } from '../src/mesh.js';
import { BOB, fake, Member, Page, tidy } from './page.js';

const BACK: Member = { ...BOB, connectionId: 'b2' };

afterEach(tidy);

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
