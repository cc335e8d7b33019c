// A relay as one would write it with Node and the ws package: rooms in a Map, JSON.parse and
// JSON.stringify, a token that only has to be there.
//   NODE_PATH=/usr/share/nodejs node peer_node.js PORT
'use strict';
const serve = require('./peer_sockets.js');

const peers = new Map();
const rooms = new Map();
const send = (peer, type, data) => peer.socket.send(JSON.stringify({ type, data }));

function join(peer, { roomId, id, name }) {
  if (peer.room !== undefined || typeof roomId !== 'string') return;
  peer.room = roomId;
  const members = rooms.get(roomId) ?? new Set();
  rooms.set(roomId, members);
  if (members.size === 0) send(peer, 'first_to_join', { roomId });
  for (const other of members) {
    send(other, 'someone_joined', {
      connectionId: peer.connectionId, peerId: id, offererId: id, name: name ?? null, sdp: null,
      ownId: other.id,
    });
  }
  peer.id = id;
  members.add(peer);
}

function pass(peer, { target, payload }) {
  const receiver = peers.get(target);
  if (!receiver || receiver.room === undefined || receiver.room !== peer.room || !payload) return;
  send(receiver, payload.type ?? 'payload', { connectionId: peer.connectionId, ...payload });
}

function leave(peer) {
  peers.delete(peer.connectionId);
  const members = rooms.get(peer.room);
  members?.delete(peer);
  if (members?.size === 0) rooms.delete(peer.room);
}

const server = serve(peers, { join, pass, leave });
server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
