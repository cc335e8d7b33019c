import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Create, useServers } from '../src/configuration.js';
import { Mesh, ORPHAN_MS } from '../src/mesh.js';
import { FakeConnection, FakeTimers } from './fakes.js';

const BAD = 'turn:no-credentials.example';

/** One that refuses a server of ICE, and at times everything. */
class Connection extends FakeConnection {
  static isOver = false;

  constructor(configuration: RTCConfiguration = {}) {
    if (Connection.isOver) throw new Error('Cannot create so many PeerConnections');
    check(configuration);
    super(configuration);
  }

  getConfiguration(): RTCConfiguration {
    return this.configuration;
  }

  setConfiguration(configuration: RTCConfiguration): void {
    check(configuration);
    this.configuration = configuration;
  }
}

function check({ iceServers }: RTCConfiguration): void {
  if (iceServers?.some(({ urls }) => [urls].flat().includes(BAD))) {
    throw new Error('Both username and credential are required');
  }
}

const create: Create = (configuration) =>
  new Connection(configuration) as unknown as RTCPeerConnection;

function mesh(): { mesh: Mesh; told: [string, unknown][]; problems: string[] } {
  FakeConnection.made = [];
  const told: [string, unknown][] = [];
  const problems: string[] = [];
  const one = new Mesh({
    roomId: 'lobby', connectionId: () => 'own', configuration: () => ({ iceServers: [] }),
    stream: () => undefined,
    sound: () => undefined, receive: [], create,
    tell: (to, { type }) => void told.push([to, type]),
    emit: (type, detail) => {
      if (type !== 'negotiationFailed') return;
      const { connectionId, err } = detail as { connectionId: string; err: unknown };
      problems.push(`${connectionId}: ${String(err)}`);
    },
  });
  return { mesh: one, told, problems };
}

const member = (connectionId: string, peerId: string): {
  connectionId: string; peerId: string; name: string } => ({ connectionId, peerId, name: peerId });

describe('who is found by which id', () => {
  test('a connection id is its own, whoever claims it as a peer id', () => {
    const { mesh: one } = mesh();
    one.welcome(member('eve1', 'bob1'));
    one.welcome(member('bob1', 'bob'));
    one.welcome(member('eve2', 'bob1'));
    assert.equal(one.peerInfo.bob1?.peerId, 'bob');
    assert.equal(one.find('bob1')?.info.peerId, 'bob');
    assert.equal(one.peerConnections.bob1, one.peerConnections.bob);
    assert.deepEqual(Object.keys(one.peerInfo), ['eve1', 'bob1', 'eve2']);
    one.leave('bob1');
    assert.equal(one.peerInfo.bob1?.connectionId, 'eve1', 'free again');
    assert.equal(one.peerInfo.bob, undefined);
    one.close();
    assert.deepEqual(Object.getOwnPropertyNames(one.peerInfo), []);
  });

  test('a peer id stays with whoever had it first, while he is there', () => {
    const { mesh: one } = mesh();
    one.welcome(member('bob1', 'bob'));
    one.welcome(member('eve1', 'bob'));
    assert.equal(one.find('bob')?.info.connectionId, 'bob1');
    assert.equal(one.peerInfo.bob?.connectionId, 'bob1');
    FakeConnection.made[0]!.become('connected');
    one.uproot();
    one.welcome(member('eve2', 'bob'));
    assert.equal(one.peerInfo.bob?.connectionId, 'bob1', 'on his way back, and connected');
    FakeConnection.made[0]!.become('disconnected');
    one.leave('eve2');
    one.welcome(member('bob2', 'bob'));
    assert.equal(one.peerInfo.bob?.connectionId, 'bob2', 'what is broken comes last');
    one.close();
  });

  test('names that every object has are nobody', () => {
    const { mesh: one } = mesh();
    one.welcome(member('x1', '__proto__'));
    one.welcome(member('x2', 'constructor'));
    assert.equal(one.peerInfo.constructor, one.peerInfo.x2);
    one.leave('x1');
    one.leave('x2');
    assert.equal(Object.getPrototypeOf(one.peerInfo), Object.prototype);
    one.close();
  });
});

test('a path that is lost is looked for anew; what has failed above it is begun anew', () => {
  const timers = new FakeTimers();
  try {
    const { mesh: one, told } = mesh();
    one.welcome(member('bob1', 'bob'));
    const [connection] = FakeConnection.made as [FakeConnection];
    const transport = { state: 'connected' };
    connection.sctp = { transport };
    connection.become('failed');
    timers.fire(0);
    timers.fire(8_000);
    assert.deepEqual([connection.restarts, told], [2, []]);
    transport.state = 'failed';
    timers.fire(8_000);
    assert.deepEqual([connection.restarts, told], [2, [['bob1', 'link_lost']]]);
    // Whoever is told so begins, which ends the old one here.
    one.take('offer', { connectionId: 'bob1', link: 'another' });
    assert.equal(connection.connectionState, 'closed');
    timers.fire(8_000);
    assert.equal(told.filter(([, type]) => type === 'link_lost').length, 1);
    one.close();
  } finally {
    timers.restore();
  }
});

test('no timer is left by who came back, or by a mesh that is closed', () => {
  const timers = new FakeTimers();
  try {
    const { mesh: one } = mesh();
    one.welcome(member('bob1', 'bob'));
    const link = one.find('bob')?.link;
    FakeConnection.made[0]!.become('connected');
    one.uproot();
    assert.deepEqual([...timers.running.values()].map(({ ms }) => ms), [ORPHAN_MS]);
    one.welcome(member('bob2', 'bob'));
    one.find('bob')!.claim = 'bob2';
    one.take('usher.link_kept', { connectionId: 'bob2', link });
    assert.equal(one.peerInfo.bob2, one.peerInfo.bob);
    assert.equal(timers.running.size, 0);
    one.uproot();
    one.welcome(member('bob3', 'bob'));
    assert.equal(timers.running.size, 2);
    one.close();
    assert.equal(timers.running.size, 0);
  } finally {
    timers.restore();
  }
});

describe('what the browser refuses', () => {
  test('of ICE servers is left out and named', () => {
    mesh();
    const iceServers = [{ urls: ['stun:a', BAD], username: 'u' }, { urls: 'stun:b' }];
    const refused: unknown[] = [];
    const connection = useServers(create, iceServers,
      (usable) => create({ iceServers: usable, iceTransportPolicy: 'relay' }),
      (err) => refused.push(err));
    assert.deepEqual(connection.getConfiguration(), {
      iceServers: [{ urls: 'stun:a', username: 'u' }, { urls: 'stun:b' }],
      iceTransportPolicy: 'relay',
    });
    assert.equal(refused.length, 1);
    assert.match(String(refused[0]), /turn:no-credentials\.example.*username and credential/);
    useServers(create, [{ urls: 'stun:c' }, { urls: BAD }],
      (usable) => connection.setConfiguration({ iceServers: usable }));
    assert.deepEqual(connection.getConfiguration().iceServers, [{ urls: 'stun:c' }]);
    const over = new Error('It is closed');
    assert.throws(() => useServers(create, [{ urls: 'stun:d' }], () => { throw over; }),
      /It is closed/);
    const left = FakeConnection.made.filter((one) => one.connectionState !== 'closed');
    assert.equal(left.length, 1, 'those that only tried are closed');
  });

  test('of connections is told to both sides, and the next one is tried', () => {
    const { mesh: one, told, problems } = mesh();
    Connection.isOver = true;
    one.welcome(member('bob1', 'bob'));
    Connection.isOver = false;
    assert.deepEqual(told, [['bob1', 'usher.negotiation_failed']]);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^bob1: .*so many/);
    one.welcome(member('cid1', 'cid'));
    assert.deepEqual(Object.keys(one.peerInfo), ['cid1']);
    one.take('usher.negotiation_failed', { connectionId: 'dan1', offererId: 'dan' });
    assert.match(problems[1]!, /^dan1: .*other page/);
    one.close();
  });
});
