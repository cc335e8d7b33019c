// What a relay may do where nothing runs between calls, as behind API Gateway, or as a node.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOST, OURS, Talk } from './talk.js';

const closing = (talk: Talk, code: unknown, seq?: number): Talk =>
  talk.hear('usher.closing', { code, reason: 'why' }, seq);

describe('a close code that the server cannot send', () => {
  test('counts as the close, and ends what that one ends', () => {
    for (const [code, word] of [[4501, 'kicked'], [4509, 'replaced'], [1009, 'protocol_error'],
      [4999, 'protocol_error']] as const) {
      const talk = closing(new Talk().open(), code).at('closed').did('end', 'emit', 'emit');
      assert.deepEqual(talk.told[0], ['socketClosed', {
        code, reason: 'why', willReconnect: false,
      }]);
      assert.deepEqual(talk.problem, [word, true]);
      talk.close(1000).did();
    }
  });

  test('keeps the place where the code does, and the client ends the connection itself', () => {
    for (const code of [1000, 1001, 1012, 1013, 4401, 4408, 4429]) {
      const talk = closing(new Talk().open().hear('chat', {}, 3), code).at('waiting');
      assert.equal(talk.effects[0]?.[0], 'drop');
      assert.deepEqual(talk.told[0], ['socketClosed', {
        code, reason: 'why', willReconnect: true,
      }]);
      assert.deepEqual(talk.problem, code === 1012 ? ['server_restarting', false] : undefined);
      assert.deepEqual([talk.state.session, talk.state.seq], ['first', 3]);
      talk.back().resumed(3).at('open', false);
    }
  });

  test('may come before the connection stands', () => {
    closing(new Talk().begin().take('opened', 'usher.v1'), 1013).at('waiting');
    const talk = closing(new Talk().open().close().back(), 4509).at('closed');
    assert.deepEqual(talk.problem, ['replaced', true]);
  });

  test('says nothing where it is none', () => {
    for (const code of ['4501', 999, 5_000, 4501.5, NaN, Infinity, null, undefined, {}, [4501]]) {
      closing(new Talk().open(), code).at('open').did();
    }
  });

  test('is not what a peer says by that name through an older server', () => {
    closing(new Talk().open(), 4501, 1).at('open').did('onEvent');
    closing(new Talk('classic').begin().take('opened', ''), 4501).at('open').did('onEvent');
  });
});

describe('a limit on what waits for its answer', () => {
  const one = { messagesInFlight: 1 };

  test('has each message go out after the answer to the one before', () => {
    const talk = new Talk().open(one).join().say('first').did();
    talk.say('second').did();
    assert.deepEqual(talk.hear('chat', {}, 1).written, []);
    assert.deepEqual(talk.hear('ack', { ack: 1 }, 2).written, ['first']);
    talk.hear('error', { code: 'unknown_target', action: 'send-payload', ack: 2 }, 3);
    assert.deepEqual(talk.written, ['second']);
    talk.hear('ack', { ack: 3 }, 4).did();
    assert.deepEqual(talk.say('third').written, ['third']);
    talk.take('refresh').take('refreshed', 'a.b.c');
    assert.deepEqual(talk.written, ['refresh-token'], 'for which no answer is waited');
  });

  test('is no limit where it is 0 or absent, and may be another number', () => {
    for (const limits of [undefined, {}, { messagesInFlight: 0 }]) {
      const talk = new Talk().open(limits).say('first').say('second');
      assert.deepEqual(talk.written, ['second']);
    }
    const talk = new Talk().open({ messagesInFlight: 2 }).say('1').say('2').say('3').did();
    assert.deepEqual(talk.hear('ack', { ack: 2 }, 1).written, ['3']);
    talk.say('4').did();
  });

  test('holds over a resume, which tells what has arrived', () => {
    const talk = new Talk().open(one).say('arrived').say('waits').close().say('later');
    talk.back(one).resumed(1).did('emit');
    assert.deepEqual(talk.hear('ack', { ack: 1 }, 1).written, ['waits']);
    talk.close().back(one).resumed(1);
    assert.deepEqual(talk.written, ['waits'], 'it was not answered');
    assert.deepEqual(talk.hear('ack', { ack: 2 }, 2).written, ['later']);
    talk.say('last').close().back({}).resumed(2);
    assert.deepEqual(talk.written, ['later', 'last'], 'the limit is the connection\'s');
  });

  test('has a refused join keep its turn until it is repeated', () => {
    const taken = { code: 'peer_id_taken', action: 'join-room', message: 'taken', ack: 1 };
    const talk = new Talk().open(one).join().say('behind').hear('error', taken, 1).did('later');
    assert.deepEqual(talk.take('rejoin').written, ['join-room']);
    assert.deepEqual(talk.hear('ack', { ack: 1 }, 2).written, ['behind']);
  });

  test('stops nothing for good where an answer never comes', () => {
    const talk = new Talk().open(one).say('lost').say('next');
    talk.now += 10_000;
    talk.take('tick').did();
    talk.now += 1;
    talk.take('tick').at('waiting');
    assert.deepEqual(talk.told[0], ['socketClosed', {
      code: LOST, reason: 'no answer', willReconnect: true,
    }]);
    talk.back(one).resumed(0);
    assert.deepEqual(talk.written, ['lost'], 'the resume has told that it did not arrive');
    talk.now += 20_000;
    talk.hear('ack', { ack: 1 }, 1);
    assert.deepEqual(talk.written, ['next']);
    talk.take('tick').at('open').hear('ack', { ack: 2 }, 2);
    talk.now += 20_000;
    talk.take('tick').at('open').did();
    const slow = new Talk().open(one).say('waits').close().back(one).resumed(5);
    slow.now += 20_000;
    slow.take('tick').at('open', true).did();
    slow.hear('chat', {}, 5);
    assert.deepEqual(slow.written, ['waits'], 'which nothing was, while the replay went on');
    const free = new Talk().open().say('slow');
    free.now += 20_000;
    free.take('tick').at('open').did();
  });
});

test('a page that was reloaded gives its messages numbers that the one before has not used', () => {
  const talk = new Talk().begin(OURS, 'kept', 4).take('opened', 'usher.v1').welcome('void');
  talk.resumed(5).say('own').hear('ack', { ack: 1 }, 5);
  assert.deepEqual(talk.state.outbox.map((one) => one.ack), [1_000_001]);
  talk.hear('ack', { ack: 1_000_001 }, 6);
  assert.deepEqual(talk.state.outbox, []);
});

describe('events', () => {
  test('that come again do nothing again', () => {
    const talk = new Talk().open().say('one').say('two').hear('chat', {}, 1).did('onEvent');
    talk.hear('ack', { ack: 1 }, 2).hear('chat', {}, 3).hear('chat', {}, 1).did();
    talk.hear('chat', {}, 3).did().hear('token_expiring', {}, 2).did();
    assert.equal(talk.state.seq, 3);
    assert.deepEqual(talk.state.outbox.map(({ ack }) => ack), [2]);
    talk.hear('chat', {}, 4).did('onEvent');
    talk.close().back().resumed(6).hear('chat', {}, 4).did().hear('chat', {}, 5).did('onEvent');
    talk.hear('chat', {}, 5).did().at('open', true);
    assert.deepEqual(talk.hear('chat', {}, 6).written, ['two']);
  });

  test('of a new session are counted anew', () => {
    const talk = new Talk().open().hear('chat', {}, 7).close().back();
    talk.hear('error', { code: 'resume_failed', action: 'resume' }, 1).at('open');
    talk.hear('error', { code: 'resume_failed', action: 'resume' }, 1).did();
    talk.hear('chat', {}, 2).did('onEvent');
  });

  test('may be missing, as none is: the next is taken', () => {
    const talk = new Talk().open().hear('chat', {}, 1).hear('chat', {}, 5).did('onEvent');
    assert.equal(talk.state.seq, 5);
  });

  test('of a stop that is over do not spread who comes back', () => {
    const draining = { reconnectWithinSeconds: 5 };
    const talk = new Talk().open().close(1012).back().resumed(2);
    talk.hear('draining', draining, 1).hear('chat', {}, 2).close();
    assert.equal(talk.wait.drainMs, undefined);
    talk.back().resumed(2).hear('draining', draining, 3).close(1012);
    assert.equal(talk.wait.drainMs, 5_000);
  });
});

describe('pings', () => {
  const after = (ms: number, pingIntervalSeconds?: number): Talk => {
    const talk = new Talk().open({ pingIntervalSeconds });
    talk.now += ms;
    return talk.take('tick');
  };

  test('come no more often than the server\'s own', () => {
    for (const seconds of [undefined, 1, 25]) {
      after(45_000, seconds).did();
      after(45_001, seconds).did('ping');
    }
    after(300_000, 300).did();
    after(300_001, 300).did('ping');
    after(3_600_000, 0).did();
    after(3_600_000, 0).take('awake').did('ping');
  });
});

test('before the welcome nothing is said but which session is to go on', () => {
  const talk = new Talk().begin().take('opened', 'usher.v1').did('emit').say('early').did();
  talk.now += 15_000;
  talk.welcome().did('onWelcome', 'onFresh').close().again().take('opened', 'usher.v1');
  assert.deepEqual(talk.written, ['resume']);
  talk.say('kept').did().welcome('void').did('onWelcome').resumed(0);
  assert.deepEqual(talk.written, ['kept']);
});

test('the age and the idleness that a gateway ends are losses like others', () => {
  const talk = new Talk().open().say('kept').close(1001, 'Going away').at('waiting');
  assert.equal(talk.problem, undefined);
  assert.deepEqual(talk.back().resumed(0).written, ['kept']);
});

test('a join that a cluster cannot let in for now is said again, later each time', () => {
  const cutOff = {
    code: 'temporarily_unavailable', action: 'join-room', message: 'later', ack: 1,
  };
  const talk = new Talk().open().join().say('behind').hear('error', cutOff).at('open');
  talk.did('emit', 'later');
  assert.deepEqual(talk.problem, ['temporarily_unavailable', false]);
  assert.deepEqual(talk.args('later').slice(0, 3), ['rejoin', 0, 1]);
  talk.take('rejoin');
  assert.deepEqual(talk.written, ['join-room']);
  talk.now += 40_000;
  talk.hear('error', cutOff, 2).at('open');
  assert.deepEqual(talk.args('later').slice(0, 3), ['rejoin', 0, 2]);
  // The time of an id that is taken begins with the first time that it is.
  const taken = { ...cutOff, code: 'peer_id_taken' };
  talk.hear('error', taken, 3).at('open').did('later');
  talk.close(1013).back().resumed(3);
  assert.deepEqual(talk.written, ['join-room', 'behind']);
  talk.hear('ack', { ack: 1 });
  assert.equal(talk.state.attempt, 0);
});
