import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientState, TABLE } from '../src/socket-state.js';
import { LOST, OURS, seen, Talk, THEIRS } from './talk.js';

test('a session begins with what the server says first', () => {
  const talk = new Talk().take('start').at('token').did('drop', 'getToken');
  assert.equal(clientState(talk.state), 'connecting');
  talk.take('token', OURS).at('opening');
  assert.deepEqual(talk.effects, [['open', 'v1', OURS]]);
  talk.take('opened', 'usher.v1').at('greeting');
  assert.deepEqual(talk.told, [['socketOpen', { dialect: 'v1' }]]);
  talk.hear('ack', { ack: 1 }).at('greeting').did();
  talk.welcome().at('open').did('onWelcome', 'onFresh');
  assert.equal(talk.state.session, 'first');
  assert.equal(clientState(talk.state), 'open');
});

test('what is said goes out at once, and is kept until it is acknowledged', () => {
  const talk = new Talk().open().say('one').say('two');
  assert.deepEqual(talk.written, ['two']);
  talk.hear('ack', { ack: 1 }, 1);
  assert.deepEqual(talk.state.outbox.map((one) => one.ack), [2]);
});

test('nothing is kept where there is no session that could go on', () => {
  for (const talk of [new Talk().begin(), new Talk().take('start')]) {
    talk.say('lost').did();
    assert.deepEqual(talk.state.outbox, []);
  }
});

test('over a resume all arrives once, in the order of saying, whenever it was said', () => {
  const talk = new Talk().open().say('arrived').say('lost').close(LOST).at('waiting');
  talk.say('waiting').take('retry').say('token').take('token', OURS);
  talk.say('opening').close().say('checking').take('checked', undefined);
  talk.again().take('opened', 'usher.v1').at('greeting');
  assert.deepEqual(talk.written, ['resume']);
  talk.welcome('void').say('resuming').did();
  talk.resumed(3).at('open', true);
  talk.did('emit');
  assert.deepEqual(talk.told, [['resumed', { connectionId: 'own' }]]);
  assert.equal(clientState(talk.state), 'open');
  talk.say('a listener of resumed').did();
  talk.hear('chat', {}, 1).hear('ack', { ack: 1 }, 2).say('another').did();
  talk.hear('chat', {}, 3).at('open', false);
  assert.deepEqual(talk.args('onEvent'), ['chat', {}, false]);
  assert.deepEqual(talk.written, ['lost', 'waiting', 'token', 'opening', 'checking', 'resuming',
    'a listener of resumed', 'another']);
  talk.say('next');
  assert.deepEqual(talk.written, ['next']);
});

test('a resume without anything missed sends what waits behind what is told of it', () => {
  const talk = new Talk().open().say('one').close().back().resumed(0).at('open');
  talk.did('emit', 'write');
  assert.equal(talk.state.session, 'second');
});

test('after a resume that failed the numbers are those of the new session', () => {
  const talk = new Talk().open().hear('chat', {}, 7).say('old').close().back();
  assert.equal(talk.state.seq, 7);
  talk.hear('token_expiring', {}, 1).did();
  talk.hear('error', { code: 'resume_failed', action: 'resume' }, 2).at('open');
  talk.did('onFresh');
  assert.equal(talk.state.session, 'void');
  assert.equal(talk.state.seq, 2);
  assert.deepEqual(talk.state.outbox, []);
});

test('a connection that is lost while it resumes goes on with the old session', () => {
  const talk = new Talk().open().hear('chat', {}, 7).close().back().close(1001).at('waiting');
  assert.deepEqual([talk.state.session, talk.state.seq], ['first', 7]);
  talk.back().resumed(9).close().at('waiting');
  assert.deepEqual([talk.state.session, talk.state.seq], ['second', 7]);
});

test('a reload goes on with the session that was kept', () => {
  const talk = new Talk().begin(OURS, 'kept', 4);
  talk.take('opened', 'usher.v1').at('greeting');
  assert.deepEqual(talk.args('write')[0], { action: 'resume', session: 'kept', seq: 4 });
});

test('a restart of the server keeps the session, is told once, and spreads who comes back', () => {
  const talk = new Talk().open().hear('draining', { reconnectWithinSeconds: 8 }).close(1012);
  talk.at('waiting').did('drop', 'emit', 'emit', 'later');
  assert.equal(talk.wait.drainMs, 8_000);
  assert.deepEqual(talk.problem, ['server_restarting', false]);
  assert.equal(talk.state.session, 'first');
  talk.again().close().at('checking').take('checked', undefined);
  assert.deepEqual(talk.problem, ['unreachable', false]);
  assert.equal(talk.wait.drainMs, undefined);
  assert.equal(clientState(talk.state), 'reconnecting');
});

test('who can resume comes back soon, and while a server that was stopped may be back', () => {
  for (const code of [LOST, 1012]) {
    const talk = new Talk().open().close(code);
    assert.equal(talk.wait.mostMs, 4_000);
    const left = (afterMs: number): number | undefined => {
      talk.now = 1_000_000 + afterMs;
      return talk.again().close().take('checked', undefined).wait.mostMs;
    };
    assert.deepEqual([24_000, 26_000, 599_000].map(left), [4_000, 25_000, 25_000]);
    assert.equal(talk.take('retry').noToken().wait.mostMs, 25_000);
    assert.equal(left(601_000), undefined);
    assert.equal(talk.back().close().wait.mostMs, 4_000, 'it is lost anew');
  }
});

test('a page that is reloaded meanwhile comes back soon as well', () => {
  const talk = new Talk().begin(OURS, 'kept', 4).close().take('checked', undefined);
  assert.equal(talk.wait.mostMs, 4_000);
  const other = new Talk().begin().close().take('checked', undefined);
  assert.equal(other.wait.mostMs, undefined, 'it has nothing to come back to');
});

test('a final close ends all, and leaves no secret', () => {
  const cases: [number, string][] = [
    [4501, 'kicked'], [4509, 'replaced'], [1009, 'protocol_error'], [4999, 'protocol_error']];
  for (const [closeCode, code] of cases) {
    const talk = new Talk().open().say('x').close(closeCode).at('closed');
    talk.did('end', 'emit', 'emit');
    assert.deepEqual(talk.problem, [code, true]);
    assert.equal(talk.state.session, undefined);
    assert.deepEqual(talk.state.outbox, []);
    talk.say('y').take('close').take('retry').at('closed').did();
  }
});

test('any close that is not final is followed by another attempt', () => {
  for (const code of [1000, 1001, 1006, 1013, 4401, 4408, 4429]) {
    const talk = new Talk().open().close(code).at('waiting');
    assert.equal(talk.problem, undefined);
    talk.did('drop', 'emit', 'later');
  }
  new Talk().begin().take('opened', 'usher.v1').close(1013).at('waiting');
  new Talk().open().close().back().close(4509).at('closed');
});

test('`close` ends it from everywhere', () => {
  const begun = (): Talk => new Talk().begin();
  const talks = [
    new Talk(), new Talk().take('start'), begun(), begun().close(),
    begun().take('opened', 'usher.v1'), new Talk().open(),
    new Talk().open().close(), new Talk().open().close().back(),
    new Talk().open().close().back().resumed(5), trial()];
  for (const talk of talks) {
    talk.take('close').at('closed').did('end');
    assert.equal(talk.state.session, undefined);
  }
});

test('a failed handshake is asked for once, and told once', () => {
  const talk = new Talk().begin().close().at('checking').did('drop', 'check');
  talk.take('checked', { error: 'invalid_token', description: 'expired' });
  assert.deepEqual(talk.problem, ['invalid_token', false]);
  talk.again().close().take('checked', { error: 'invalid_token' });
  assert.equal(talk.problem, undefined);
  talk.again().close().take('checked', undefined);
  assert.deepEqual(talk.problem, ['unreachable', false]);
  talk.again().take('opened', 'usher.v1').welcome().close();
  talk.again().close().take('checked', {});
  assert.deepEqual(talk.problem, ['unreachable', false]);
});

test('a handshake that is refused for good ends it', () => {
  for (const error of ['insufficient_scope', 'origin_not_allowed', 'room_forbidden']) {
    const talk = new Talk().begin().close().take('checked', { error });
    assert.deepEqual(talk.at('closed').problem, [error, true]);
  }
});

test('what the page forbids ends it, whenever that is heard', () => {
  const talks = [new Talk().begin(), new Talk().begin().close(), new Talk().open().close(),
    new Talk().take('start')];
  for (const talk of talks) {
    assert.deepEqual(talk.take('blocked').at('closed').problem,
      ['blocked_by_page', true]);
  }
});

test('a token that cannot be had is asked for again, unless that is hopeless', () => {
  const talk = new Talk().take('start').noToken().at('waiting');
  assert.deepEqual(talk.problem, ['token_unavailable', false]);
  talk.take('awake').at('token').did('drop', 'getToken');
  talk.noToken({ final: true }).at('closed');
  assert.deepEqual(talk.problem, ['token_unavailable', true]);
});

test('who is told to wait does, whatever else would have it try again', () => {
  for (const talk of [
    new Talk().begin().close().take('checked', { error: 'temporarily_unavailable' }, 9_000),
    new Talk().begin().close().take('checked', undefined, 9_000),
    new Talk().take('start').noToken({ leastMs: 9_000 }),
  ]) {
    assert.deepEqual(talk.at('waiting').wait.leastMs, 9_000);
    talk.now += 8_999;
    talk.take('awake').at('waiting').did();
    talk.now += 1;
    talk.take('awake').at('token').noToken().at('waiting');
    assert.deepEqual(talk.wait.leastMs, 0);
    talk.take('awake').at('token');
  }
  const talk = new Talk().open().hear('token_expiring').noToken({ leastMs: 9_000 });
  assert.deepEqual(talk.args('later'), ['refresh', 9_000, 1, 1_000]);
});

test('what is no token ends it at first, and never a call', () => {
  const malformed = { code: 'token_malformed', message: 'a page' };
  assert.deepEqual(new Talk().take('start').noToken(malformed).problem,
    ['token_malformed', true]);
  assert.deepEqual(new Talk().begin().noToken(malformed).problem, ['token_malformed', true]);
  const talk = new Talk().open().close().take('retry').noToken(malformed).at('waiting');
  assert.deepEqual(talk.problem, ['token_malformed', false]);
});

test('a server that selects no usher.v1 is another\'s, and hears nothing', () => {
  for (const protocol of ['', 'usher.v2']) {
    const talk = new Talk().begin().take('opened', protocol).at('closed');
    assert.deepEqual(talk.problem, ['protocol_error', true]);
    assert.deepEqual(talk.written, []);
    const own = new Talk('auto').begin().take('opened', protocol).at('closed');
    assert.deepEqual(own.problem, ['protocol_error', true]);
  }
  const talk = new Talk('auto').begin(THEIRS).take('opened', '').at('token');
  talk.did('drop', 'getToken').take('token', THEIRS);
  assert.equal(talk.args('open')[0], 'classic');
});

test('`classic` is spoken where it is asked for, with any token', () => {
  for (const token of [OURS, THEIRS]) {
    const talk = new Talk('classic').begin(token, 'kept', 3);
    assert.equal(talk.args('open')[0], 'classic');
    talk.take('opened', '').at('open').did('emit', 'onFresh');
    assert.equal(talk.state.session, undefined);
    talk.say('x');
    assert.deepEqual(talk.written, ['x']);
    assert.deepEqual(talk.state.outbox, []);
    talk.close();
    assert.equal(talk.wait.minMs, 2_000);
    talk.say('y').did();
  }
  new Talk('classic').begin(OURS).close().at('checking');
  new Talk('classic').begin(THEIRS).close().at('waiting');
});

/** `auto`, after v1 failed for a reason that nobody told. */
function doubtful(token = THEIRS): Talk {
  return new Talk('auto').begin(token).close().take('checked', undefined)
    .at('waiting').again(token);
}

function trial(): Talk {
  return doubtful().take('opened', '').at('trial').did('check');
}

test('`auto` takes v1 wherever it worked, or the server is ours', () => {
  const talk = new Talk('auto').open().close().again(THEIRS);
  assert.equal(talk.args('open')[0], 'v1');
  talk.close().take('checked', undefined).again(THEIRS);
  assert.equal(talk.args('open')[0], 'v1');
  const told = new Talk('auto').begin(THEIRS).close()
    .take('checked', { error: 'temporarily_unavailable' }).again(THEIRS).close()
    .take('checked', undefined).again(THEIRS);
  assert.equal(told.args('open')[0], 'v1');
});

test('`auto` never puts a token of ours into a URL', () => {
  const talk = doubtful(OURS);
  for (let round = 0; round < 5; round += 1) {
    assert.equal(talk.args('open')[0], 'v1');
    talk.close().take('checked', undefined).again(OURS);
  }
});

test('`auto` takes classic where that works, v1 does not, and the server is not ours', () => {
  const talk = trial().take('checked', undefined).at('open');
  assert.deepEqual(talk.told, [['socketOpen', { dialect: 'classic' }]]);
  assert.deepEqual(talk.all('onFresh'), [[undefined]]);
  assert.equal(talk.close().again(THEIRS).args('open')[0], 'classic');
  const ours = trial().take('checked', {}).at('token').did('drop', 'getToken');
  assert.equal(ours.take('token', THEIRS).args('open')[0], 'v1');
});

test('`auto` decides on no failure: after a classic handshake that failed v1 is tried', () => {
  const failed = [doubtful().close().at('waiting'), trial().close().at('waiting')];
  for (const talk of failed) assert.equal(talk.again(THEIRS).args('open')[0], 'v1');
});

test('a refused join is final, and says so by the server\'s own word', () => {
  for (const code of ['room_forbidden', 'room_full', 'too_many_rooms', 'bad_request']) {
    const talk = new Talk().open().join();
    talk.hear('error', { code, action: 'join-room', message: 'no', ack: 1 }).at('closed');
    talk.did('end', 'emit');
    assert.deepEqual(talk.problem, [code, true]);
  }
});

test('an id that is taken may be our own lost session\'s, which ends in thirty seconds', () => {
  const taken = { code: 'peer_id_taken', action: 'join-room', message: 'taken', ack: 1 };
  const talk = new Talk().open().join().say('behind').hear('error', taken).at('open').did('later');
  talk.now += 3_000;
  talk.take('rejoin');
  assert.deepEqual(talk.written, ['join-room']);
  talk.hear('error', taken, 2).did('later');
  // Not even a lost line makes it forget the join.
  talk.close().back().resumed(2).at('open');
  assert.deepEqual(talk.written, ['join-room', 'behind']);
  const joined = new Talk().open().join().hear('error', taken);
  joined.hear('ack', { ack: 1 });
  assert.equal(joined.state.takenSince, undefined);
  talk.now += 28_000;
  talk.hear('error', taken).at('closed');
  assert.deepEqual(talk.problem, ['peer_id_taken', true]);
});

test('an id that is taken is so for thirty seconds more once the server has restarted', () => {
  const taken = { code: 'peer_id_taken', action: 'join-room', message: 'taken', ack: 1 };
  const talk = new Talk().open().join().hear('error', taken).did('later');
  talk.now += 28_000;
  talk.close(1012).back().resumed(0);
  assert.deepEqual(talk.written, ['join-room']);
  talk.now += 3_000;
  talk.hear('error', taken).at('open').did('later');
  talk.now += 31_000;
  talk.hear('error', taken).at('closed');
  assert.deepEqual(talk.problem, ['peer_id_taken', true]);
});

test('another message that is refused is told, and is sent no more', () => {
  const talk = new Talk().open().say('x');
  talk.hear('error', { code: 'bad_request', action: 'send-payload', message: 'no', ack: 1 });
  assert.deepEqual(talk.at('open').problem, ['bad_request', false]);
  assert.deepEqual(talk.state.outbox, []);
  talk.say('y').hear('error', { code: 'unknown_target', action: 'send-payload', ack: 2 }).did();
  assert.deepEqual(talk.state.outbox, []);
});

test('a token is renewed, and again where that fails, as long as the connection stands', () => {
  const expiring = (): Talk => new Talk().open().hear('token_expiring', {}, 1).did('getToken');
  const talk = expiring().hear('token_expiring', {}, 2).did();
  talk.take('refreshed', OURS);
  assert.deepEqual(talk.args('write')[0], { action: 'refresh-token', token: OURS });
  assert.deepEqual(talk.state.outbox, []);
  talk.hear('error', { code: 'invalid_token', action: 'refresh-token', message: 'no' });
  talk.did('emit', 'later');
  assert.deepEqual(talk.problem, ['invalid_token', false]);
  talk.take('refresh').did('getToken');
  talk.noToken().did('emit', 'later');
  assert.equal(talk.args('later')[2], 2);
  // What comes after the connection is lost, or unasked for, does nothing.
  talk.take('refreshed', OURS).did();
  talk.noToken().did();
  const late = expiring().close().take('refreshed', OURS).at('waiting').did();
  late.back().resumed(5).at('open', true).take('refreshed', OURS).did();
  late.noToken().did();
  late.take('refresh').did('getToken').take('refreshed', OURS);
  late.did('write');
});

test('a page that is looked at again finds out whether its connection is alive', () => {
  new Talk().open().take('awake').did('ping');
  new Talk().open().close().back().resumed(5).take('awake').did('ping');
  new Talk().begin().take('awake').at('opening').did();
});

test('what a connection that is silent is asked, none is that speaks', () => {
  const talk = new Talk().open();
  const ticks = (afterMs: number): Talk => {
    talk.now += afterMs;
    return talk.take('tick');
  };
  ticks(45_000).did();
  ticks(1).did('ping');
  talk.hear('chat', {}, 1);
  ticks(45_000).did();
  const classic = new Talk('classic').begin().take('opened', '');
  classic.now += 60_000;
  classic.take('tick').did();
  classic.take('awake').did();
});

test('pongs, and events that have no place, change nothing', () => {
  const talk = new Talk().open().hear('pong', {}, 1).did().welcome('another').did();
  talk.resumed(4).did();
  assert.deepEqual([talk.state.session, talk.state.seq], ['first', 1]);
});

test('the tests above go through every row of the table', () => {
  for (const [phase, row] of Object.entries(TABLE)) {
    for (const type of Object.keys(row)) {
      assert(seen.has(`${phase}.${type}`), `no test takes ${type} while ${phase}`);
    }
  }
});
