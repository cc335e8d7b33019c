// The demo: a video room on WebRtcClient. This module joins and leaves; the others do the rest.
import { WebRtcClient } from './webrtc-client.js';
import { $, randomText, remember, recall, tell } from './page.js';
import { explainToken } from './advice.js';
import { Call } from './call.js';

const state = { call: undefined };

// A secret of this tab, by which the server knows it again after a reload.
const secret = recall('usher-demo-secret') ?? randomText(24);
remember('usher-demo-secret', secret);

// Joining

async function askForToken(room, name) {
  const answer = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ room, name, id: secret }),
  }).catch(() => undefined);
  const body = await answer?.json().catch(() => undefined);
  if (!answer?.ok || !body) throw new Error(explainToken(answer?.status, body?.error_description));
  return body;
}

async function join({ room, name, audio, video }) {
  showError('');
  $('join').disabled = true;
  $('join').textContent = 'Joining…';
  try {
    const shown = name || 'Guest';
    let first = await askForToken(room, shown);
    const { url, client_id: clientId } = first;
    const client = new WebRtcClient({
      sessionId: room, name: shown, clientId, signallingServer: url, keepSession: true,
      video: { audio, video },
      getToken: async () => {
        const token = first ?? (await askForToken(room, shown));
        first = undefined;
        return token.access_token;
      },
    });
    // What nobody has asked for stays off, also where another device is chosen.
    if (!audio) void client.setMicrophoneEnabled(false);
    if (!video) void client.setCameraEnabled(false);
    const wish = { room, name, audio, video };
    const keep = () => remember('usher-demo-call', JSON.stringify(wish));
    const onToggle = (kind, isOn) => {
      wish[kind] = isOn;
      keep();
    };
    state.call = new Call(client, { room, name, onEnd, onToggle });
    keep();
  } catch (error) {
    showError(error.message);
  }
  $('join').disabled = false;
  $('join').textContent = 'Join';
}

function onEnd(why) {
  state.call = undefined;
  remember('usher-demo-call', undefined);
  showError(why);
}

function showError(text) {
  tell($('error'), text);
  $('error').hidden = !text;
  // The button that was pressed may be far below.
  if (text) $('error').scrollIntoView({ block: 'nearest' });
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
    $('room').focus();
    showError('A room of the demo starts with demo- and has no spaces.');
    return;
  }
  remember('usher-demo-name', wish.name, localStorage);
  void join(wish);
});

for (const id of ['invite', 'invite-too']) {
  $(id).addEventListener('click', () => void state.call.copyInvite());
}
$('close-notice').addEventListener('click', () => state.call.notice(''));

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
