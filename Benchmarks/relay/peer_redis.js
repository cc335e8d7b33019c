// A relay on several processes as one would write it with Node, ws and Redis: a channel for each
// room, to which every process with a member of it has subscribed; otherwise as peer_node.js.
//   NODE_PATH=/usr/share/nodejs node peer_redis.js REDIS_PORT PORT
'use strict';
const { createClient } = require('redis');
const serve = require('./peer_sockets.js');

const peers = new Map();
const rooms = new Map(); // those with members here: these, and the subscription on its way
const store = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` });
const subscriber = store.duplicate();
const send = (peer, type, data) => peer.socket.send(JSON.stringify({ type, data }));
const tell = (room, message) => store.publish(`room:${room}`, JSON.stringify(message));

function open(roomId) {
  const room = { members: new Set() };
  rooms.set(roomId, room);
  room.isHeard = subscriber.subscribe(`room:${roomId}`, (text) => heard(room, text));
  return room;
}

async function join(peer, { roomId, id, name }) {
  if (peer.room !== undefined || typeof roomId !== 'string') return;
  peer.room = roomId;
  peer.id = id;
  const { connectionId } = peer;
  const room = rooms.get(roomId) ?? open(roomId);
  room.members.add(peer);
  await room.isHeard;
  const [, count] = await store.multi()
    .sAdd(`members:${roomId}`, connectionId).sCard(`members:${roomId}`).exec();
  if (count === 1) {
    send(peer, 'first_to_join', { roomId });
    return;
  }
  await tell(roomId, {
    from: connectionId, type: 'someone_joined',
    data: { connectionId, peerId: id, offererId: id, name: name ?? null, sdp: null },
  });
}

async function pass(peer, { target, payload }) {
  if (peer.room === undefined || !payload) return;
  const type = payload.type ?? 'payload';
  const data = { connectionId: peer.connectionId, ...payload };
  const receiver = peers.get(target); // Who is here needs no Redis.
  if (!receiver) await tell(peer.room, { target, type, data });
  else if (receiver.room === peer.room) send(receiver, type, data);
}

// Each process of a room hears all that is told to it, also what it told itself.
function heard(room, text) {
  const { from, target, type, data } = JSON.parse(text);
  if (target !== undefined) {
    const receiver = peers.get(target);
    if (receiver && room.members.has(receiver)) send(receiver, type, data);
    return;
  }
  for (const peer of room.members) {
    if (peer.connectionId !== from) send(peer, type, { ...data, ownId: peer.id });
  }
}

async function leave(peer) {
  peers.delete(peer.connectionId);
  const room = rooms.get(peer.room);
  if (!room) return;
  room.members.delete(peer);
  if (room.members.size === 0) {
    rooms.delete(peer.room);
    await subscriber.unsubscribe(`room:${peer.room}`);
  }
  await store.sRem(`members:${peer.room}`, peer.connectionId);
}

const server = serve(peers, { join, pass, leave });
Promise.all([store.connect(), subscriber.connect()]).then(
  () => server.listen(Number(process.argv[3]), '127.0.0.1', 4096));
