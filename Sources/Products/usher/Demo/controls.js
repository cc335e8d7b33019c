// The buttons and keys below the call, and the window of devices.
import { $, recall, remember } from './page.js';

/** Where it is kept that somebody wants no keys without a modifier, as those who speak to their
 * computer do. */
const SHORTCUTS = 'usher-demo-shortcuts';
const KEYS = { m: 'mic', v: 'camera', s: 'share', f: 'file', c: 'chat', '?': 'settings' };
const ENABLE = { audio: 'setMicrophoneEnabled', video: 'setCameraEnabled' };

export class Controls {
  constructor(client, { leave, file, talk, tellState, notice, onToggle }) {
    this.client = client;
    this.onToggle = onToggle;
    this.tellState = tellState;
    this.notice = notice;
    this.talk = talk;
    this.controller = new AbortController();
    /** Of camera and microphone those that this machine has. */
    this.kinds = new Set();
    const actions = {
      mic: () => void this.toggle('audio'), camera: () => void this.toggle('video'),
      share: () => void this.share(), file, chat: () => talk.show(!talk.isShown),
      settings: () => void this.open(), leave,
    };
    // Any click and any key will do where the browser waits for one; the button says so.
    for (const type of ['click', 'keydown']) this.on(document, type, () => void this.play());
    const { mediaDevices } = navigator;
    if (mediaDevices) this.on(mediaDevices, 'devicechange', () => void this.look());
    for (const [id, action] of Object.entries(actions)) this.on($(id), 'click', action);
    this.on(document, 'keydown', (event) => this.onKey(event));
    $('shortcuts').checked = recall(SHORTCUTS, localStorage) !== 'off';
    this.on($('shortcuts'), 'change', () => this.showShortcuts());
    this.showShortcuts();
    this.on($('microphones'), 'change', () => void this.choose('audio'));
    this.on($('cameras'), 'change', () => void this.choose('video'));
    this.update();
    void this.look();
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

  /** Also what was never asked for can be put on. */
  has(kind) {
    return Boolean(this.track(kind)) || this.kinds.has(kind);
  }

  async look() {
    const devices = await this.devices();
    this.kinds = new Set(devices.map(({ kind }) => kind.replace('input', '')));
    if (!this.controller.signal.aborted) this.update();
  }

  async devices() {
    return (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  }

  get state() {
    return {
      mic: Boolean(this.track('audio')?.enabled),
      camera: !this.client.isSharing && Boolean(this.track('video')?.enabled),
      sharing: this.client.isSharing,
    };
  }

  async toggle(kind) {
    const isOn = await this.client[ENABLE[kind]](!this.track(kind)?.enabled);
    if (this.controller.signal.aborted) return;
    this.onToggle(kind, isOn);
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

  // Sound that the browser holds back

  askToPlay() {
    $('blocked').hidden = false;
  }

  async play() {
    if (!$('blocked').hidden && await this.client.startAudio()) $('blocked').hidden = true;
  }

  // Devices

  async open() {
    const devices = await this.devices();
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
    $('blocked').hidden = true;
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
  // Before one is used, browsers tell only that there is one.
  const isThere = devices.some((one) => one.kind === kind);
  if (!own.length) list.append(new Option(isThere ? 'named once it is on' : 'none found', ''));
  list.disabled = !own.length;
}
