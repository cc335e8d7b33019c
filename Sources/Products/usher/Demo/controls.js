// The buttons and keys below the call, and the window of devices.
import { $, recall, remember } from './page.js';

/** Where it is kept that somebody wants no keys without a modifier, as those who speak to their
 * computer do. */
const SHORTCUTS = 'usher-demo-shortcuts';
const KEYS = { m: 'mic', v: 'camera', s: 'share', f: 'file', c: 'chat', '?': 'settings' };
const ENABLE = { audio: 'setMicrophoneEnabled', video: 'setCameraEnabled' };

export class Controls {
  constructor(client, { leave, file, talk, tellState, notice }) {
    this.client = client;
    this.tellState = tellState;
    this.notice = notice;
    this.talk = talk;
    this.controller = new AbortController();
    /** Kinds that there were in this call: what is off can be put on again. */
    this.had = new Set();
    const actions = {
      mic: () => void this.toggle('audio'), camera: () => void this.toggle('video'),
      share: () => void this.share(), file, chat: () => talk.show(!talk.isShown),
      settings: () => void this.open(), leave,
    };
    for (const [id, action] of Object.entries(actions)) this.on($(id), 'click', action);
    this.on(document, 'keydown', (event) => this.onKey(event));
    $('shortcuts').checked = recall(SHORTCUTS, localStorage) !== 'off';
    this.on($('shortcuts'), 'change', () => this.showShortcuts());
    this.showShortcuts();
    this.on($('microphones'), 'change', () => void this.choose('audio'));
    this.on($('cameras'), 'change', () => void this.choose('video'));
    this.update();
  }

  on(target, type, listener) {
    target.addEventListener(type, listener, { signal: this.controller.signal });
  }

  // Keys

  onKey(event) {
    const isTyping = event.target.closest?.('input, select, textarea, dialog');
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (!$('shortcuts').checked || isTyping || hasModifier || event.repeat) return;
    const button = $(KEYS[event.key?.toLowerCase()] ?? '');
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  }

  showShortcuts() {
    const isOn = $('shortcuts').checked;
    remember(SHORTCUTS, isOn ? undefined : 'off', localStorage);
    $('keys').hidden = !isOn;
    for (const [key, id] of Object.entries(KEYS)) {
      if (isOn) $(id).setAttribute('aria-keyshortcuts', key);
      else $(id).removeAttribute('aria-keyshortcuts');
    }
  }

  // Microphone, camera and screen

  track(kind) {
    return this.client.localStream?.getTracks().find((one) => one.kind === kind);
  }

  has(kind) {
    if (this.track(kind)) this.had.add(kind);
    return Boolean(this.track(kind)) || (this.had.has(kind) && Boolean(this.client[ENABLE[kind]]));
  }

  get state() {
    return {
      mic: Boolean(this.track('audio')?.enabled),
      camera: !this.client.isSharing && Boolean(this.track('video')?.enabled),
      sharing: this.client.isSharing,
    };
  }

  async toggle(kind) {
    const enable = ENABLE[kind];
    try {
      // Where the client can, the camera's light goes out as well.
      if (this.client[enable]) await this.client[enable](!this.track(kind)?.enabled);
      else this.client.toggleTracks(kind);
    } catch (error) {
      this.notice(`The ${kind === 'audio' ? 'microphone' : 'camera'} cannot be used: `
        + error.message);
    }
    this.update();
    this.tellState();
  }

  async share() {
    if (this.client.isSharing) {
      this.client.stopScreenShare();
    } else {
      try {
        await this.client.shareScreen();
      } catch (error) {
        // Whoever changes his mind needs no message.
        if (error.name !== 'NotAllowedError') this.notice(`Nothing is shared: ${error.message}`);
      }
    }
    this.update();
    this.tellState();
  }

  update() {
    const { mic, camera, sharing } = this.state;
    press('mic', mic, 'Microphone', 'Microphone is off');
    press('camera', camera, 'Camera', 'Camera is off');
    press('share', sharing, 'Stop sharing', 'Share screen');
    $('mic').disabled = !this.has('audio');
    $('camera').disabled = sharing || !this.has('video');
    $('share').disabled = !navigator.mediaDevices?.getDisplayMedia;
  }

  // Devices

  async open() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    fill($('microphones'), devices, 'audioinput', this.track('audio'));
    fill($('cameras'), devices, 'videoinput', this.track('video'));
    $('dialog').showModal();
  }

  async choose(kind) {
    const list = kind === 'audio' ? $('microphones') : $('cameras');
    try {
      await this.client.setDevices({ [`${kind}DeviceId`]: list.value });
    } catch (error) {
      this.notice(`This device cannot be used: ${error.message}`);
    }
    this.update();
    this.tellState();
  }

  close() {
    this.controller.abort();
    if ($('dialog').open) $('dialog').close();
  }
}

function press(id, isOn, on, off) {
  $(id).setAttribute('aria-pressed', String(isOn));
  $(id).querySelector('.label').textContent = isOn ? on : off;
}

function fill(list, devices, kind, track) {
  const own = devices.filter((one) => one.kind === kind && one.deviceId);
  const current = track?.getSettings().deviceId;
  list.replaceChildren(...own.map(({ deviceId, label }, index) => {
    const option = new Option(label || `Device ${index + 1}`, deviceId);
    option.selected = deviceId === current;
    return option;
  }));
  if (!own.length) list.append(new Option('none found', ''));
  list.disabled = !own.length;
}
