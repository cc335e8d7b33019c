// One tile for each person: picture or initials, name, what is off, how good the connection is.
import { $ } from './page.js';

const HUES = 5;
const SPEAKING = 0.02;
const WORDS = { good: 'good', fair: 'fair', poor: 'weak' };

export class Tiles {
  constructor(client, ownName) {
    this.client = client;
    this.ownName = ownName;
    this.tiles = new Map();
    this.states = new Map();
    $('tiles').replaceChildren();
    this.showOwn();
    this.listener = setInterval(() => this.listen(), 250);
    this.onResize = () => this.arrange();
    addEventListener('resize', this.onResize);
  }

  tile(peerId, name, isOwn = false) {
    const known = this.tiles.get(peerId);
    if (known) return known;
    const tile = $('tile-template').content.firstElementChild.cloneNode(true);
    tile.dataset.peer = peerId;
    tile.dataset.hue = String([...peerId].reduce((sum, one) => sum + one.charCodeAt(0), 0) % HUES);
    tile.classList.add('dark');
    tile.classList.toggle('own', isOwn);
    tile.querySelector('video').muted = isOwn;
    this.tiles.set(peerId, tile);
    this.nameTile(tile, name, isOwn);
    $('tiles').append(tile);
    this.arrange();
    return tile;
  }

  nameTile(tile, name, isOwn) {
    const shown = isOwn && name !== 'You' ? `${name} (you)` : name;
    tile.querySelector('.name').textContent = shown;
    tile.querySelector('.avatar').textContent = initials(name);
  }

  showOwn() {
    const tile = this.tile(this.client.id, this.ownName, true);
    tile.querySelector('.waiting').hidden = true;
    attach(tile.querySelector('video'), this.client.localStream ?? null);
    this.paint(this.client.id);
  }

  update() {
    const here = new Set([this.client.id]);
    for (const info of Object.values(this.client.peerInfo)) {
      here.add(info.peerId);
      const tile = this.tile(info.peerId, info.name ?? 'Somebody');
      this.nameTile(tile, info.name ?? 'Somebody', false);
      const waiting = tile.querySelector('.waiting');
      waiting.hidden = info.state === 'connected';
      waiting.textContent = info.state === 'failed' || info.state === 'disconnected'
        ? 'looking for another path…' : 'connecting…';
      if (info.streams[0]) attach(tile.querySelector('video'), info.streams[0]);
      this.paint(info.peerId);
    }
    for (const [peerId, tile] of this.tiles) {
      if (here.has(peerId)) continue;
      tile.remove();
      this.tiles.delete(peerId);
      this.states.delete(peerId);
    }
    this.arrange();
  }

  addTrack(peerId, event) {
    event.track.onmute = event.track.onunmute = () => this.paint(peerId);
    this.update();
  }

  takeState(peerId, { mic, camera, sharing }) {
    this.states.set(peerId, { mic, camera, sharing });
    this.paint(peerId);
  }

  paint(peerId) {
    const tile = this.tiles.get(peerId);
    if (!tile) return;
    const { mic = true, camera = true, sharing = false } = this.states.get(peerId) ?? {};
    const track = tile.querySelector('video').srcObject?.getVideoTracks()[0];
    const isOwn = peerId === this.client.id;
    const hasPicture = track && track.readyState === 'live' && (isOwn || !track.muted);
    tile.classList.toggle('dark', !(hasPicture && (camera || sharing)));
    tile.classList.toggle('sharing', Boolean(sharing));
    tile.querySelector('.muted').toggleAttribute('hidden', mic);
    tile.querySelector('.shares').toggleAttribute('hidden', !sharing);
  }

  /** As near to squares as the stage allows. */
  arrange() {
    const { clientWidth: width, clientHeight: height } = $('tiles');
    const count = Math.max(1, this.tiles.size);
    let best = { columns: 1, area: 0 };
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns);
      const side = Math.min(width / columns, (height / rows) * 1.5);
      const area = side * Math.min(height / rows, side);
      if (area > best.area) best = { columns, area };
    }
    $('tiles').style.setProperty('--columns', String(best.columns));
  }

  /** Who speaks, by the level that the browser reports anyway. */
  listen() {
    for (const [peerId, tile] of this.tiles) {
      const receivers = this.client.peerConnections[peerId]?.getReceivers?.() ?? [];
      const level = receivers.filter(({ track }) => track.kind === 'audio')
        .flatMap((one) => one.getSynchronizationSources())
        .reduce((most, { audioLevel = 0 }) => Math.max(most, audioLevel), 0);
      tile.classList.toggle('speaking', level > SPEAKING);
    }
  }

  async measure() {
    for (const { peerId } of Object.values(this.client.peerInfo)) {
      const stats = await this.client.stats(peerId).catch(() => undefined);
      const quality = this.tiles.get(peerId)?.querySelector('.quality');
      if (!stats || !quality || stats.quality === 'unknown') continue;
      const path = stats.relayed ? 'relayed' : 'direct';
      quality.hidden = false;
      quality.dataset.quality = stats.quality;
      quality.querySelector('.quality-text').textContent =
        `${WORDS[stats.quality]} · ${stats.rttMs} ms · ${path}`;
      const rate = stats.bitrateInKbps === undefined ? '' : `, ${stats.bitrateInKbps} kbit/s in`;
      quality.title = `Connection: ${WORDS[stats.quality]}, ${stats.rttMs} ms, ${path}${rate}`;
      quality.querySelector('.bars').setAttribute('aria-hidden', 'true');
    }
  }

  close() {
    clearInterval(this.listener);
    removeEventListener('resize', this.onResize);
    $('tiles').replaceChildren();
  }
}

function initials(name) {
  const words = name.trim().split(/\s+/).slice(0, 2);
  return words.map((word) => [...word][0] ?? '').join('').toUpperCase() || '?';
}

function attach(video, stream) {
  if (video.srcObject !== stream) video.srcObject = stream;
  if (!stream) return;
  video.play().catch(() => {
    // Sound before any click: the browser waits for one.
    addEventListener('pointerdown', () => video.play().catch(() => undefined), { once: true });
    addEventListener('keydown', () => video.play().catch(() => undefined), { once: true });
  });
}

