// The demo: a video room on WebRtcClient. This module joins and leaves; the others do the rest.
import { WebRtcClient } from './webrtc-client.js';
import { $, randomText, remember, recall } from './page.js';
import { Controls } from './controls.js';
import { Files } from './files.js';
import { Talk } from './talk.js';
import { Tiles } from './tiles.js';

const state = { call: undefined };

// A secret of this tab, by which the server knows it again after a reload.
const secret = recall('usher-demo-secret') ?? randomText(24);
remember('usher-demo-secret', secret);

// Joining

async function askForToken(room, name) {
  const answer = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ room, name: name || null, id: secret }),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error_description ?? `the server said ${answer.status}`);
  return body;
}

async function join({ room, name, audio, video }) {
  showError('');
  $('join').disabled = true;
  $('join').textContent = 'Joining…';
  try {
    let first = await askForToken(room, name);
    const { url, client_id: clientId } = first;
    const client = new WebRtcClient({
      sessionId: room, name, clientId, signallingServer: url, keepSession: true,
      video: { audio, video },
      getToken: async () => {
        const token = first ?? (await askForToken(room, name));
        first = undefined;
        return token.access_token;
      },
    });
    state.call = new Call(client, { room, name });
    remember('usher-demo-call', JSON.stringify({ room, name, audio, video }));
  } catch (error) {
    showError(`Joining did not work: ${error.message}`);
  }
  $('join').disabled = false;
  $('join').textContent = 'Join';
}

function showError(text) {
  $('error').textContent = text;
  $('error').hidden = !text;
}

/** One stay in a room, from joining to leaving. */
class Call {
  constructor(client, { room, name }) {
    this.client = client;
    this.room = room;
    this.names = new Map();
    $('room-name').textContent = room;
    $('lobby').hidden = true;
    $('call').hidden = false;
    location.hash = encodeURIComponent(room);
    document.title = `${room} – Usher demo`;
    this.tiles = new Tiles(client, name || 'You');
    this.talk = new Talk(client, (id) => this.nameOf(id));
    this.files = new Files(client, this.talk, (id) => this.nameOf(id));
    this.controls = new Controls(client, {
      leave: () => this.leave(), file: () => this.files.choose(), talk: this.talk,
      tellState: () => this.tellState(), notice: (text) => this.notice(text),
    });
    this.listen();
    this.showStatus('connecting');
    this.timer = setInterval(() => this.tiles.measure(), 2000);
    $('stage').focus({ preventScroll: true });
  }

  nameOf(peerId) {
    return this.client.peerInfo[peerId]?.name ?? this.names.get(peerId) ?? 'Somebody';
  }

  listen() {
    const on = (type, listener) => this.client.addEventListener(type, ({ detail }) =>
      listener(detail));
    on('socketOpen', () => this.showStatus('open'));
    on('resumed', () => this.showStatus('open'));
    on('reconnecting', () => this.showStatus('reconnecting'));
    on('socketError', (problem) => this.onProblem(problem));
    on('peerConnectionStateChange', () => this.onPeers());
    on('sendChannelOpen', ({ peerId }) => this.onChannel(peerId));
    on('trackAdded', ({ event, peerId }) => this.tiles.addTrack(peerId, event));
    on('trackRemoved', () => this.tiles.update());
    on('localStream', () => {
      this.tiles.showOwn();
      this.controls.update();
      this.tellState();
    });
    on('screenShareEnded', () => this.controls.update());
    on('noMedia', ({ err }) => this.onNoMedia(err));
    on('message', (message) => this.onMessage(message));
    on('someone_left', ({ peerId, reason }) => this.onLeft(peerId, reason));
  }

  onPeers() {
    for (const { peerId, name } of Object.values(this.client.peerInfo)) {
      if (name) this.names.set(peerId, name);
    }
    this.tiles.update();
    this.files.update();
    const count = Object.keys(this.client.peerInfo).length;
    $('alone').hidden = count > 0;
  }

  onChannel(peerId) {
    if (!this.talk.greeted.has(peerId)) {
      this.talk.greeted.add(peerId);
      this.talk.note(`${this.nameOf(peerId)} is here`);
    }
    this.files.update();
    this.tellState(peerId);
  }

  onLeft(peerId, reason) {
    if (this.talk.greeted.delete(peerId)) {
      const how = { kicked: 'was removed', lost: 'was lost' }[reason] ?? 'left';
      this.talk.note(`${this.nameOf(peerId)} ${how}`);
    }
    this.files.lose(peerId);
  }

  onMessage({ peerId, data }) {
    if (typeof data !== 'string') return this.files.takeChunk(peerId, data);
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return undefined;  // Somebody's page that is not this one.
    }
    if (!message || typeof message !== 'object') return undefined;
    switch (message.kind) {
      case 'chat': return this.talk.take(peerId, message);
      case 'state': return this.tiles.takeState(peerId, message);
      default: return this.files.take(peerId, message);
    }
  }

  /** What the others cannot see for themselves. */
  tellState(peerId) {
    const message = JSON.stringify({ kind: 'state', ...this.controls.state });
    if (peerId) this.client.send(peerId, message);
    else this.client.broadcast(message);
    this.tiles.takeState(this.client.id, this.controls.state);
  }

  onNoMedia(err) {
    const denied = err?.name === 'NotAllowedError';
    this.notice(denied
      ? 'The browser was told not to give camera and microphone: allow them beside the address, '
        + 'then join again. You can see, hear and write meanwhile.'
      : 'No camera or microphone was found. You can see, hear and write all the same.');
    this.controls.update();
    this.tiles.showOwn();
  }

  notice(text) {
    $('call-notice').textContent = text;
    $('call-notice').hidden = !text;
  }

  showStatus(what) {
    const texts = { open: 'connected', connecting: 'connecting', reconnecting: 'reconnecting' };
    $('status').dataset.state = what;
    $('status').textContent = texts[what];
    $('reconnecting').hidden = what !== 'reconnecting';
    $('reconnecting-text').textContent = what === 'reconnecting'
      ? 'The line to the server is lost. The call goes on; new people can join once it is back.'
      : '';
  }

  onProblem({ message, final }) {
    if (!final) return;
    this.leave();
    showError(message);
  }

  leave() {
    clearInterval(this.timer);
    remember('usher-demo-call', undefined);
    this.client.close();
    this.controls.close();
    this.files.close();
    this.talk.close();
    this.tiles.close();
    this.notice('');
    $('reconnecting').hidden = true;
    $('call').hidden = true;
    $('lobby').hidden = false;
    document.title = 'Usher demo';
    state.call = undefined;
    $('join').focus();
  }
}

// The lobby

function wanted() {
  return {
    room: $('room').value.trim(), name: $('name').value.trim(),
    audio: $('with-audio').checked && canHaveMedia(),
    video: $('with-video').checked && canHaveMedia(),
  };
}

function canHaveMedia() {
  return window.isSecureContext && Boolean(navigator.mediaDevices);
}

$('join-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const wish = wanted();
  if (!/^demo-\S+$/.test(wish.room)) {
    showError('A room of the demo starts with demo- and has no spaces.');
    $('room').focus();
    return;
  }
  remember('usher-demo-name', wish.name, localStorage);
  void join(wish);
});

for (const id of ['invite', 'invite-too']) {
  $(id).addEventListener('click', () => void copyInvite());
}

async function copyInvite() {
  const link = `${location.origin}/demo/#${encodeURIComponent(state.call.room)}`;
  try {
    await navigator.clipboard.writeText(link);
    state.call.notice('The invite link is copied.');
  } catch {
    state.call.notice(`The invite link is ${link}`);
  }
}

/** The room that the address names; empty where it names none, or is no link of ours. */
function linkedRoom() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

/** The room that this browser opens by itself: in each tab the same, and nobody else's. */
function ownRoom() {
  const room = recall('usher-demo-room', localStorage) ?? `demo-${randomText(8)}`;
  remember('usher-demo-room', room, localStorage);
  return room;
}

$('name').value = recall('usher-demo-name', localStorage) ?? '';
$('room').value = linkedRoom() || ownRoom();
$('notice').hidden = canHaveMedia();
for (const id of ['with-audio', 'with-video']) {
  $(id).disabled = !canHaveMedia();
  if (!canHaveMedia()) $(id).checked = false;
}

// A reload in a call goes on with it.
const [visit] = performance.getEntriesByType('navigation');
const interrupted = visit?.type === 'reload' ? recall('usher-demo-call') : undefined;
if (interrupted) void join(JSON.parse(interrupted));
