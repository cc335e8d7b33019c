// The demo's page: a name and a room in, a mesh of data channels out.
//
// It does what any page does, in the classic dialect of docs/protocol.md: ask the page's own
// backend for a token, open the socket with it, join a room, and of each pair let the member that
// was there first make the offer. A socket that closes is opened again with a fresh token; the data
// channels stay usable meanwhile. Whatever others wrote is shown through textContent alone.

const ROOM_PREFIX = 'demo-';
const RETRY_SECONDS_MIN = 2;
const RETRY_SECONDS_MAX = 30;
const SETTLED_SECONDS = 10; // A socket that lived this long ends the backoff.
const PEER_SECONDS_MAX = 30; // A peer that is not reached by then is given up.
const ALONE_SECONDS = 5; // No answer to the join for so long: say that we wait for others.

const element = (id) => document.getElementById(id);
const peers = new Map(); // Peer id → Peer.
let session = null; // The room we are in or want to be in; null when we are in none.
let isEnded = false; // The last session was ended by the server, for good.

/** 128 random bits in hex. crypto.randomUUID is missing where the context is not secure. */
function randomID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function randomName() {
  const pick = (words) => words[Math.floor(Math.random() * words.length)];
  return `${pick(['Amber', 'Calm', 'Merry', 'Quiet'])} ${pick(['Fox', 'Heron', 'Otter', 'Wren'])}`;
}

/** The room's name as the service wants it: no white space or asterisk, the prefix in front. */
function normalisedRoom(text) {
  const name = text.trim().replace(/[\s*]+/g, '-');
  if (name === '') return `${ROOM_PREFIX}lobby`;
  return name.startsWith(ROOM_PREFIX) ? name : ROOM_PREFIX + name;
}

/** The fragment read as a form's value, so that a stray percent sign is no error. */
function roomInAddress() {
  const text = location.hash.slice(1).replace(/\+/g, '%2B');
  return normalisedRoom(new URLSearchParams(`room=${text}`).get('room'));
}

// --- What people see -----------------------------------------------------------------------------
function showError(text) {
  element('error').textContent = text;
  element('error').hidden = text === '';
}

function make(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function log(kind, text, author) {
  const item = make('li', '', '');
  item.dataset.kind = kind;
  if (author) item.append(make('span', 'author', author));
  item.append(make('span', 'text', text));
  const list = element('messages');
  list.append(item);
  list.scrollTop = list.scrollHeight;
}

const openPeers = () => [...peers.values()].filter((peer) => peer.channel?.readyState === 'open');

function statusNow() {
  if (!session) return isEnded ? ['ended', 'Disconnected'] : ['idle', 'Not in a room'];
  if (!session.isJoined && session.attempts > 0) return ['reconnecting', 'Reconnecting …'];
  const count = openPeers().length;
  if (count > 0) return ['connected', `Connected to ${count} ${count === 1 ? 'person' : 'people'}`];
  const isWaiting = session.isJoined && session.isAlone && peers.size === 0;
  return isWaiting ? ['waiting', 'Waiting for others'] : ['connecting', 'Connecting …'];
}

function peerItem(peer) {
  const item = make('li', '', '');
  item.dataset.state = peer.state;
  item.dataset.peerId = peer.id;
  const words = { connecting: 'connecting …', connected: 'connected', disconnected: 'lost …' };
  item.append(make('span', 'name', peer.name), make('span', 'state', words[peer.state]));
  return item;
}

function render() {
  const [state, text] = statusNow();
  element('status').dataset.state = state;
  if (element('status').textContent !== text) element('status').textContent = text;

  const isIn = session !== null;
  element('join-form').hidden = isIn;
  for (const id of ['inside', 'self']) element(id).hidden = !isIn;
  element('room-title').textContent = isIn ? session.room : 'Join a room';
  if (isIn) {
    element('self').textContent = `${session.name} (you)`;
    element('link').value = new URL(`#${encodeURIComponent(session.room)}`, location.href).href;
  }

  element('peers').replaceChildren(...[...peers.values()].map(peerItem));
  element('nobody').hidden = peers.size > 0;

  const canTalk = openPeers().length > 0;
  element('message').disabled = element('send').disabled = !canTalk;
  element('message').placeholder = canTalk ? 'Write a message' : 'Nobody is connected yet';
}

// --- The line to one other person ----------------------------------------------------------------
class Peer {
  constructor(id, connectionID, name) {
    this.id = id;
    this.connectionID = connectionID;
    this.name = name || 'Somebody';
    this.channel = null;
    this.candidates = []; // Those that came before the remote description.
    this.work = Promise.resolve(); // Descriptions and candidates are applied one after another.
    this.connection = new RTCPeerConnection({ iceServers: [] });
    // A null candidate says that there are no more; the other side is told that too.
    this.connection.onicecandidate = (event) =>
      this.send({ type: 'ice_candidate', ice: event.candidate });
    this.connection.onconnectionstatechange = () => this.changed();
    this.connection.ondatachannel = ({ channel }) => this.adopt(channel);
    const unreached = `${this.name} could not be reached; the networks between you may forbid it`;
    this.deadline = setTimeout(() => this.remove(unreached), PEER_SECONDS_MAX * 1000);
    peers.set(id, this);
  }

  get isGone() {
    return peers.get(this.id) !== this;
  }

  get state() {
    if (this.connection.connectionState === 'disconnected') return 'disconnected';
    return this.channel?.readyState === 'open' ? 'connected' : 'connecting';
  }

  send(payload) {
    if (this.isGone) return;
    const signed = { ...payload, offererId: session.id };
    sendToServer({ action: 'send-payload', target: this.connectionID, payload: signed });
  }

  perform(step) {
    this.work = this.work.then(() => (this.isGone ? undefined : step())).catch((error) => {
      console.warn('peer:', error.message);
      this.remove(`${this.name} could not be connected`);
    });
  }

  offer() {
    this.adopt(this.connection.createDataChannel('chat'));
    this.perform(() => this.describe('offer'));
  }

  answer(offer) {
    this.perform(() => this.setRemote(offer));
    this.perform(() => this.describe('answer'));
  }

  async describe(type) {
    await this.connection.setLocalDescription();
    this.send({ type, [type]: this.connection.localDescription, name: session?.name });
  }

  acceptAnswer(answer) {
    const isAsked = () => this.connection.signalingState === 'have-local-offer';
    this.perform(() => isAsked() && this.setRemote(answer));
  }

  acceptCandidate(ice) {
    const isEarly = () => this.connection.remoteDescription === null;
    this.perform(() => (isEarly() ? this.candidates.push(ice) : this.addCandidate(ice)));
  }

  async setRemote(description) {
    await this.connection.setRemoteDescription(description);
    for (const ice of this.candidates.splice(0)) await this.addCandidate(ice);
  }

  /** One bad candidate (or one of a kind this browser lacks) must not end the conversation. */
  async addCandidate(ice) {
    await this.connection.addIceCandidate(ice ?? undefined).catch((error) => {
      console.warn('candidate:', error.message);
    });
  }

  adopt(channel) {
    this.channel = channel;
    channel.onopen = () => {
      clearTimeout(this.deadline);
      log('event', `${this.name} is connected`);
      render();
    };
    channel.onmessage = ({ data }) => {
      if (typeof data === 'string') log('peer', data.slice(0, 2000), this.name);
    };
    channel.onclose = () => this.remove(`${this.name} has left`);
  }

  changed() {
    const isOver = ['failed', 'closed'].includes(this.connection.connectionState);
    if (isOver) this.remove(`The connection to ${this.name} is lost`);
    render();
  }

  remove(explanation) {
    if (this.isGone) return;
    peers.delete(this.id);
    clearTimeout(this.deadline);
    this.channel?.close();
    this.connection.close();
    if (explanation) log('event', explanation);
    render();
  }
}

// --- What the relay says -------------------------------------------------------------------------
function sendToServer(message) {
  if (session?.socket?.readyState === WebSocket.OPEN) session.socket.send(JSON.stringify(message));
}

/** The sender's connection id is the server's word; what a payload says of its sender is not. */
const sender = ({ connectionId }) =>
  [...peers.values()].find((peer) => peer.connectionID === connectionId);

const handlers = {
  first_to_join: () => Object.assign(session, { isAlone: true }),

  /** Somebody came after us, so the offer is ours to make. */
  someone_joined({ connectionId, peerId, name }) {
    const known = peers.get(peerId);
    if (known?.state === 'connected') {
      known.connectionID = connectionId; // Only its socket was away: the channel still stands.
      return;
    }
    known?.remove();
    new Peer(peerId, connectionId, name).offer();
  },

  offer({ connectionId, offererId, offer, name }) {
    if (typeof offererId !== 'string' || offererId === session.id) return;
    peers.get(offererId)?.remove();
    new Peer(offererId, connectionId, name).answer(offer);
  },

  answer: (data) => sender(data)?.acceptAnswer(data.answer),
  ice_candidate: (data) => sender(data)?.acceptCandidate(data.ice),
};

function receive(text) {
  const { type, data } = JSON.parse(text);
  if (Object.hasOwn(handlers, type)) handlers[type](data);
  render();
}

// --- Token, socket, and coming back --------------------------------------------------------------
/** Resolves to the token's grant, or to a refusal {explanation, isFinal, waitSeconds}. */
async function requestToken({ room, name }) {
  const response = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ room, name }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => null);
  if (!response) return { explanation: 'The server cannot be reached.', waitSeconds: 0 };
  const { status, headers } = response;
  const body = await response.json().catch(() => ({}));
  if (status === 200 && typeof body.access_token === 'string') return body;
  const waitSeconds = Number(headers.get('Retry-After')) || 0;
  const why = body.error_description ?? `status ${status}`;
  const refusal = status === 429 ? 'Too many people join from this address just now.' : why;
  const isFinal = status < 500 && status !== 429;
  return { explanation: `The server gives no token: ${refusal}`, isFinal, waitSeconds };
}

async function connect(mine) {
  const grant = await requestToken(mine);
  if (mine !== session) return;
  if (grant.isFinal) return end(grant.explanation);
  if (grant.explanation) return retry(mine, grant.explanation, grant.waitSeconds);
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const query = new URLSearchParams({ token: grant.access_token, client: grant.client_id });
  const { pathname } = new URL(grant.url ?? '/', location.href);
  mine.socket = new WebSocket(`${scheme}//${location.host}${pathname}?${query}`);
  mine.socket.onopen = () => mine === session && opened(mine);
  mine.socket.onmessage = ({ data }) => mine === session && receive(data);
  mine.socket.onclose = ({ code }) => mine === session && closed(mine, code);
}

function opened(mine) {
  showError('');
  mine.isJoined = true;
  mine.isAlone = false;
  mine.openedAt = Date.now();
  mine.aloneTimer = setTimeout(() => { mine.isAlone = true; render(); }, ALONE_SECONDS * 1000);
  sendToServer({ action: 'join-room', roomId: mine.room, name: mine.name, id: mine.id });
  render();
}

function closed(mine, code) {
  const wasJoined = mine.isJoined;
  mine.isJoined = false;
  clearTimeout(mine.aloneTimer);
  // Final by docs/protocol.md: what we speak is not understood, or 4500 and above.
  if ([1003, 1007, 1009].includes(code) || code >= 4500) {
    return end(`The server has ended this connection for good (code ${code}).`);
  }
  if (wasJoined && Date.now() - mine.openedAt > SETTLED_SECONDS * 1000) mine.attempts = 0;
  const what = wasJoined ? 'The line to the server is cut.' : 'The server takes no connection.';
  const kept = openPeers().length > 0 ? ' You can go on talking to those who are connected.' : '';
  retry(mine, what + kept, 0);
}

function retry(mine, explanation, waitSeconds) {
  const backoff = Math.min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2 ** mine.attempts);
  const seconds = Math.max(waitSeconds, backoff) * (1 + Math.random() / 2);
  mine.attempts += 1;
  mine.retryTimer = setTimeout(() => connect(mine), seconds * 1000);
  showError(`${explanation} Trying again in ${Math.round(seconds)} s.`);
  render();
}

function end(explanation) {
  leave();
  isEnded = true;
  showError(explanation);
  render();
}

// --- What people do ------------------------------------------------------------------------------
function join(room) {
  leave();
  const name = element('name').value.trim() || randomName();
  element('name').value = name;
  element('room').value = room;
  session = { room, name, id: randomID(), attempts: 0, isJoined: false };
  isEnded = false;
  history.replaceState(null, '', `#${encodeURIComponent(room)}`);
  log('event', `You enter ${room} as ${name}`);
  render();
  element('leave').focus();
  connect(session);
}

function leave() {
  if (!session) return;
  for (const peer of [...peers.values()]) peer.remove();
  clearTimeout(session.retryTimer);
  clearTimeout(session.aloneTimer);
  session.socket?.close(1000);
  log('event', `You have left ${session.room}`);
  session = null;
  element('copied').textContent = '';
  showError('');
  render();
  element('join').focus();
}

function talk() {
  const text = element('message').value.trim();
  const listeners = openPeers();
  if (text === '' || listeners.length === 0) return;
  for (const peer of listeners) peer.channel.send(text);
  log('own', text, `${session.name} (you)`);
  element('message').value = '';
}

/** navigator.clipboard is missing where the context is not secure. */
async function copyLink() {
  element('link').select();
  const isCopied = navigator.clipboard
    ? await navigator.clipboard.writeText(element('link').value).then(() => true, () => false)
    : document.execCommand('copy');
  element('copied').textContent = isCopied ? 'Copied.' : 'Please copy the marked link yourself.';
}

function start() {
  element('name').value = randomName();
  element('room').value = roomInAddress();
  element('notice').hidden = window.isSecureContext;
  element('join').disabled = !window.RTCPeerConnection;
  if (!window.RTCPeerConnection) showError('This browser has no WebRTC, so no line to others.');
  const on = (id, event, perform) => element(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    perform();
  });
  on('join-form', 'submit', () => join(normalisedRoom(element('room').value)));
  on('message-form', 'submit', talk);
  on('leave', 'click', leave);
  on('copy', 'click', copyLink);
  addEventListener('pagehide', leave);
  addEventListener('hashchange', () => {
    if (session && session.room !== roomInAddress()) join(roomInAddress());
    else element('room').value = roomInAddress();
  });
  render();
}

start();
