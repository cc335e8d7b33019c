// A minimal client of the classic dialect, written for the tests from docs/protocol.md alone.
// Its settings come from the query: url, token, client, room, id, name. Tests read `state`.
'use strict';

const settings = Object.fromEntries(new URLSearchParams(location.search));
const state = {
  firstToJoin: 0, // times we were told that we are first
  joined: [], // ids of those who came after us
  received: {}, // peer id -> texts received from it over its data channel
  open: [], // peer ids with an open data channel
  tracks: [], // peer id and kind of each track that came
  connections: 0, // how many there were in all
  closeCode: null,
  errors: [],
};
const peers = new Map(); // connection id -> { connection, channel, id, pending }

const socket = new WebSocket(
  `${settings.url}/?token=${settings.token}&client=${settings.client}`);

function say(message) {
  socket.send(JSON.stringify(message));
}

function tell(target, payload) {
  say({ action: 'send-payload', target, payload });
}

function makePeer(connectionId, id) {
  const connection = new RTCPeerConnection({ iceServers: [] });
  const peer = { connection, id, pending: [] };
  peers.set(connectionId, peer);
  state.connections += 1;
  connection.ontrack = ({ track }) => show(peer, track);
  connection.onicecandidate = ({ candidate }) =>
    tell(connectionId, { type: 'ice_candidate', ice: candidate, offererId: settings.id });
  connection.onconnectionstatechange = () => {
    if (['disconnected', 'failed'].includes(connection.connectionState)) lose(peer);
  };
  return peer;
}

function watch(peer, channel) {
  peer.channel = channel;
  channel.onopen = () => {
    state.open.push(peer.id);
    channel.send(`hello ${peer.id}, here is ${settings.id}`);
  };
  channel.onmessage = ({ data }) => (state.received[peer.id] ??= []).push(data);
  channel.onclose = () => lose(peer);
}

function show(peer, track) {
  state.tracks.push(`${peer.id} ${track.kind}`);
  const element = document.createElement(track.kind);
  element.autoplay = element.muted = true;
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
}

function lose(peer) {
  peer.connection.close();
  state.open = state.open.filter((id) => id !== peer.id);
}

async function describeRemote(peer, description) {
  await peer.connection.setRemoteDescription(description);
  for (const ice of peer.pending.splice(0)) await peer.connection.addIceCandidate(ice);
}

const events = {
  first_to_join() {
    state.firstToJoin += 1;
  },
  // Whoever was there already makes the offer.
  async someone_joined({ connectionId, peerId }) {
    state.joined.push(peerId);
    const peer = makePeer(connectionId, peerId);
    watch(peer, peer.connection.createDataChannel('chat'));
    await peer.connection.setLocalDescription();
    const offer = peer.connection.localDescription;
    tell(connectionId, { type: 'offer', offererId: settings.id, offer, name: settings.name });
  },
  async offer({ connectionId, offererId, offer }) {
    const peer = makePeer(connectionId, offererId);
    peer.connection.ondatachannel = ({ channel }) => watch(peer, channel);
    await describeRemote(peer, offer);
    await peer.connection.setLocalDescription();
    const answer = peer.connection.localDescription;
    tell(connectionId, { type: 'answer', offererId: settings.id, answer, name: settings.name });
  },
  async answer({ connectionId, answer }) {
    await describeRemote(peers.get(connectionId), answer);
  },
  async ice_candidate({ connectionId, ice }) {
    const { connection, pending } = peers.get(connectionId);
    if (connection.remoteDescription) await connection.addIceCandidate(ice ?? undefined);
    else if (ice) pending.push(ice);
  },
};

socket.onopen = () =>
  say({ action: 'join-room', roomId: settings.room, name: settings.name, id: settings.id });
socket.onclose = ({ code }) => (state.closeCode = code);

// One event after another, since handlers wait.
let last = Promise.resolve();
socket.onmessage = ({ data }) => {
  const { type, data: members } = JSON.parse(data);
  last = last
    .then(() => events[type]?.(members))
    .catch((error) => state.errors.push(`${type}: ${error}`));
};

// Called by the tests.
function broadcast(text) {
  for (const { channel } of peers.values()) {
    if (channel?.readyState === 'open') channel.send(text);
  }
}
