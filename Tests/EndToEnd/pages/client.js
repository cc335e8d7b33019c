// A page that uses the client as an application does, and notes what it is told. Its options come
// from the query.
import { WebRtcClient } from '/webrtc-client.js';

const query = new URLSearchParams(location.search);
const options = JSON.parse(query.get('options'));
const others = document.getElementById('others');
const types = [
  'first_to_join', 'someone_joined', 'someone_left', 'room_state', 'socketOpen', 'socketClosed',
  'socketError', 'reconnecting', 'resumed', 'peerConnectionStateChange', 'noMedia',
  'sendChannelOpen', 'receiveChannelOpen', 'trackAdded', 'trackRemoved', 'message', 'signal',
  'localStream', 'screenShareEnded', 'negotiationFailed', 'mediaProblem', 'audioPlaybackBlocked',
];

window.events = [];
window.tokensAsked = 0;
window.count = (type) => events.filter((event) => event.type === type).length;

function plain(value) {
  if (value instanceof Error) return String(value);
  if (value instanceof ArrayBuffer) return Array.from(new Uint8Array(value));
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(plain);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value.constructor.name;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

function show(stream, connectionId) {
  let video = document.getElementById(`video-${stream.id}`);
  if (!video) {
    video = document.createElement('video');
    video.id = `video-${stream.id}`;
    video.dataset.connection = connectionId;
    video.autoplay = video.muted = video.playsInline = true;
    others.append(video);
  }
  video.srcObject = stream;
}

window.make = (more = {}) => {
  const video = options.video && { ...options.video, el: document.getElementById('own') };
  const client = new WebRtcClient({ ...options, video, getToken, ...more });
  for (const type of types) {
    client.addEventListener(type, ({ detail }) => events.push({ type, detail: plain(detail) }));
  }
  client.addEventListener('trackAdded', ({ detail }) => {
    // A test may show them in its own way.
    for (const stream of detail.event.streams) (window.show ?? show)(stream, detail.connectionId);
  });
  client.ready.then(() => { window.entered = true; }, (err) => { window.refusal = err.code; });
  window.client = client;
  return client;
};

async function getToken() {
  window.tokensAsked += 1;
  const answer = await fetch(`/token?subject=${query.get('subject')}`);
  return (await answer.json()).token;
}

window.isConnected = (id) => {
  const info = client.peerInfo[id];
  return client.peerConnections[id]?.connectionState === 'connected'
    && info.sendChannel?.readyState === 'open' && info.receiveChannel?.readyState === 'open';
};

window.connections = () => Object.values(client.peerInfo).map((info) => [
  info.peerId, info.state, client.peerConnections[info.connectionId].signalingState,
  info.sendChannel?.readyState, info.receiveChannel?.readyState].join());

window.hasHeard = (peerId, data) => events.some(({ type, detail }) =>
  type === 'message' && detail.peerId === peerId && detail.data === data);

// How many frames of others' pictures were decoded, by peer id.
window.framesDecoded = async () => {
  const frames = {};
  for (const { peerId } of Object.values(client.peerInfo)) {
    const report = await client.peerConnections[peerId].getStats();
    report.forEach((one) => {
      if (one.type === 'inbound-rtp' && one.kind === 'video') {
        frames[peerId] = (frames[peerId] ?? 0) + (one.framesDecoded ?? 0);
      }
    });
  }
  return frames;
};

if (!query.has('wait')) make();
