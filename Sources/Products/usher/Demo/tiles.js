// One tile for each person: picture or initials, name, what is off, how good the connection is.
import { $ } from './page.js';

const HUES = 5;
const SPEAKING = 0.02;
const WORDS = { good: 'good', fair: 'fair', poor: 'weak' };

export class Tiles {
  constructor(client, people, ownName) {
    this.client = client;
    this.people = people;
    this.own = { peerId: client.id, name: ownName, streams: [] };
    /** By peer; the own one first. */
    this.tiles = new Map();
    this.states = new WeakMap();
    $('tiles').replaceChildren();
    this.showOwn();
    this.listener = setInterval(() => this.listen(), 250);
    this.onResize = () => this.arrange();
    addEventListener('resize', this.onResize);
  }

  tile(peer) {
    const tile = this.tiles.get(peer) ?? this.inherited(peer) ?? this.made(peer);
    this.tiles.set(peer, tile);
    this.nameTile(tile, peer);
    return tile;
  }

  /** That of the same page before it was loaded anew. */
  inherited(peer) {
    const old = [...this.tiles.keys()].find((one) => one.state === 'closed'
      && (one.connectionId === peer.connectionId || one.peerId === peer.peerId));
    const tile = this.tiles.get(old);
    this.tiles.delete(old);
    if (tile) tile.querySelector('.quality').hidden = true;
    return tile;
  }

  made(peer) {
    const tile = $('tile-template').content.firstElementChild.cloneNode(true);
    const { peerId } = peer;
    tile.dataset.peer = peerId;
    tile.dataset.hue = String([...peerId].reduce((sum, one) => sum + one.charCodeAt(0), 0) % HUES);
    tile.classList.add('dark');
    tile.classList.toggle('own', peer === this.own);
    tile.querySelector('video').muted = peer === this.own;
    $('tiles').append(tile);
    return tile;
  }

  nameTile(tile, peer) {
    const name = this.people.nameOf(peer);
    const isNamed = peer === this.own && name !== 'You';
    tile.querySelector('.name').textContent = isNamed ? `${name} (you)` : name;
    tile.querySelector('.avatar').textContent = initials(name);
  }

  showOwn() {
    const tile = this.tile(this.own);
    tile.querySelector('.waiting').hidden = true;
    const video = tile.querySelector('video');
    const stream = this.client.localStream ?? null;
    if (video.srcObject !== stream) video.srcObject = stream;
    this.paint(this.own);
    this.arrange();
  }

  /** Soon, and once for all that changes now: whoever reloaded is gone and there in one moment. */
  update() {
    if (this.isWaiting || this.isClosed) return;
    this.isWaiting = true;
    queueMicrotask(() => {
      this.isWaiting = false;
      if (!this.isClosed) this.render();
    });
  }

  render() {
    const here = new Set([this.own, ...this.people.all]);
    for (const peer of this.people.all) this.show(peer);
    for (const [peer, tile] of this.tiles) {
      // A call that works outlives a new start of the server, after which its peer is listed again.
      const goesOn = peer.state === 'connected' && !this.people.gone.has(peer);
      if (here.has(peer) || goesOn) continue;
      tile.remove();
      this.tiles.delete(peer);
      void this.client.attach(tile.querySelector('video'), null);
    }
    this.arrange();
  }

  play(video, stream) {
    if (stream && video.srcObject !== stream) void this.client.attach(video, stream);
  }

  show(peer) {
    const tile = this.tile(peer);
    const isLeaving = this.people.leaving.has(peer);
    const isLost = peer.state === 'failed' || peer.state === 'disconnected';
    const waiting = tile.querySelector('.waiting');
    waiting.hidden = peer.state === 'connected' && !isLeaving;
    const lost = isLost ? 'looking for another path…' : 'connecting…';
    setText(waiting, isLeaving ? 'left, or reloading…' : lost);
    tile.classList.toggle('away', isLeaving || isLost);
    if (isLeaving || isLost) tile.querySelector('.quality').hidden = true;
    this.play(tile.querySelector('video'), peer.streams[0]);
    this.paint(peer);
  }

  addTrack(peer, event) {
    event.track.onmute = event.track.onunmute = () => this.paint(peer);
    this.update();
  }

  takeState(peer, { mic, camera, sharing }) {
    this.states.set(peer, { mic, camera, sharing });
    this.paint(peer);
  }

  takeOwnState(state) {
    this.takeState(this.own, state);
  }

  paint(peer) {
    const tile = this.tiles.get(peer);
    if (!tile) return;
    const { mic = true, camera = true, sharing = false } = this.states.get(peer) ?? {};
    const track = tile.querySelector('video').srcObject?.getVideoTracks()[0];
    const hasPicture = track?.readyState === 'live' && (peer === this.own || !track.muted);
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
    for (const [peer, tile] of this.tiles) {
      const receivers = this.client.peerConnections[peer.connectionId]?.getReceivers?.() ?? [];
      const level = receivers.filter(({ track }) => track.kind === 'audio')
        .flatMap((one) => one.getSynchronizationSources())
        .reduce((most, { audioLevel = 0 }) => Math.max(most, audioLevel), 0);
      tile.classList.toggle('speaking', level > SPEAKING);
    }
  }

  async measure() {
    for (const peer of this.people.all) {
      const stats = await this.client.stats(peer.connectionId).catch(() => undefined);
      const quality = this.tiles.get(peer)?.querySelector('.quality');
      if (!stats || !quality) continue;
      // Figures of a path that is gone would be no figures.
      quality.hidden = stats.quality === 'unknown' || peer.state !== 'connected'
        || this.people.leaving.has(peer);
      if (!quality.hidden) showQuality(quality, stats);
    }
  }

  close() {
    this.isClosed = true;
    clearInterval(this.listener);
    removeEventListener('resize', this.onResize);
    $('tiles').replaceChildren();
  }
}

function showQuality(quality, { quality: word, relayed, rttMs, bitrateInKbps }) {
  const path = relayed ? 'relayed' : 'direct';
  quality.dataset.quality = word;
  setText(quality.querySelector('.quality-text'), `${WORDS[word]} · ${rttMs} ms · ${path}`);
  const rate = bitrateInKbps === undefined ? '' : `, ${bitrateInKbps} kbit/s in`;
  quality.title = `Connection: ${WORDS[word]}, ${rttMs} ms, ${path}${rate}`;
}

/** Only where it changes, since screen readers tell each change. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function initials(name) {
  const words = name.trim().split(/\s+/).slice(0, 2);
  return words.map((word) => [...word][0] ?? '').join('').toUpperCase() || '?';
}
