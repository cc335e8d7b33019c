// Files, in chunks over the data channels. Whoever gets one is asked first.
import { $, cut, element, randomText, size } from './page.js';

const FILE_MAX = 200 << 20;
const CHUNK = 64 << 10;
const ID_BYTES = 8;

export class Files {
  constructor(people, talk) {
    this.people = people;
    this.talk = talk;
    this.offered = new Map();
    this.incoming = new Map();
    this.links = [];
    this.controller = new AbortController();
    const { signal } = this.controller;
    $('file-input').addEventListener('change', () => this.onChosen(), { signal });
    addEventListener('dragover', (event) => this.onDrag(event, true), { signal });
    addEventListener('dragleave', (event) => this.onDrag(event, false), { signal });
    addEventListener('drop', (event) => this.onDrop(event), { signal });
  }

  // Sending

  choose() {
    $('file-input').value = '';
    $('file-input').click();
  }

  onChosen() {
    for (const file of $('file-input').files) void this.offer(file);
  }

  onDrag(event, isOver) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    $('drop').hidden = !isOver || (event.type === 'dragleave' && event.relatedTarget !== null);
  }

  onDrop(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    $('drop').hidden = true;
    for (const file of event.dataTransfer.files) void this.offer(file);
  }

  async offer(file) {
    this.talk.show(true);
    if (file.size > FILE_MAX) {
      this.talk.note(`${file.name} is longer than ${size(FILE_MAX)}: it was not sent.`);
      return;
    }
    const id = randomText(ID_BYTES);
    const parcel = new Parcel(file.name, file.size);
    this.offered.set(id, { file, parcel, takers: new Set(), done: 0 });
    const count = await this.people.tell(
      { kind: 'file-offer', id, name: file.name, size: file.size, type: file.type });
    if (!count) {
      this.offered.delete(id);
      this.talk.note('Nobody is connected: the file was not offered.');
      return;
    }
    if (!this.offered.get(id).takers.size) parcel.say(`offered to ${persons(count)}`);
    this.talk.add(parcel.item('own', 'You'));
  }

  async send(id, peer) {
    const offer = this.offered.get(id);
    if (!offer || offer.takers.has(peer)) return;
    offer.takers.add(peer);
    const { file, parcel } = offer;
    const head = new TextEncoder().encode(id);
    for (let at = 0; at < file.size; at += CHUNK) {
      const body = new Uint8Array(await file.slice(at, at + CHUNK).arrayBuffer());
      const chunk = new Uint8Array(head.length + body.length);
      chunk.set(head);
      chunk.set(body, head.length);
      if (!(await this.people.send(peer, chunk))) {
        parcel.say(`${this.people.nameOf(peer)} is not connected any more`);
        return;
      }
      parcel.progress(Math.min(at + CHUNK, file.size));
    }
    if (!file.size) await this.people.send(peer, head);
    offer.done += 1;
    parcel.progress(undefined);
    parcel.say(`sent to ${persons(offer.done)}`);
  }

  // Receiving

  take(peer, message) {
    const { kind, id } = message;
    if (typeof id !== 'string' || id.length !== ID_BYTES) return;
    if (kind === 'file-accept') void this.send(id, peer);
    if (kind === 'file-decline') {
      this.offered.get(id)?.parcel.say(`${this.people.nameOf(peer)} does not want it`);
    }
    if (kind === 'file-offer') this.ask(peer, message);
  }

  ask(peer, { id, name, size: length, type }) {
    if (typeof name !== 'string' || !Number.isSafeInteger(length) || length > FILE_MAX) return;
    if (length < 0 || this.incoming.has(id)) return;
    const parcel = new Parcel(cut(name, 200), length);
    const answer = (kind) => void this.people.send(peer, JSON.stringify({ kind, id }));
    const accept = element('button', 'quiet', 'Accept');
    const decline = element('button', 'quiet', 'Decline');
    accept.type = decline.type = 'button';
    accept.addEventListener('click', () => {
      this.incoming.set(id, { peer, parcel, parts: [], got: 0, length, type });
      parcel.act();
      parcel.progress(0);
      answer('file-accept');
    });
    decline.addEventListener('click', () => {
      parcel.act();
      parcel.say('declined');
      answer('file-decline');
    });
    parcel.act(accept, decline);
    this.talk.add(parcel.item('', this.people.nameOf(peer)));
  }

  takeChunk(peer, data) {
    const head = new Uint8Array(data, 0, Math.min(ID_BYTES, data.byteLength));
    const id = new TextDecoder().decode(head);
    const file = this.incoming.get(id);
    if (!file || file.peer !== peer) return;
    const part = data.slice(ID_BYTES);
    file.got += part.byteLength;
    if (file.got > file.length) return this.fail(id, 'more came than was announced');
    file.parts.push(part);
    file.parcel.progress(file.got);
    if (file.got === file.length) this.finish(id, file);
    return undefined;
  }

  finish(id, { parcel, parts, type }) {
    this.incoming.delete(id);
    // Of no type that a browser would show as a page of this origin.
    const isPlain = /^(image\/(png|jpeg|gif|webp)|audio\/|video\/|application\/pdf$)/.test(type);
    const blob = new Blob(parts, { type: isPlain ? type : 'application/octet-stream' });
    const link = element('a', '', `Save ${parcel.name}`);
    link.href = URL.createObjectURL(blob);
    link.download = parcel.name;
    this.links.push(link.href);
    parcel.progress(undefined);
    parcel.say('received');
    parcel.act(link);
  }

  fail(id, why) {
    const file = this.incoming.get(id);
    this.incoming.delete(id);
    file?.parcel.progress(undefined);
    file?.parcel.say(`not received: ${why}`);
  }

  lose(peer) {
    for (const [id, file] of this.incoming) {
      if (file.peer === peer) this.fail(id, `${this.people.nameOf(peer)} left`);
    }
  }

  update() {
    $('file').disabled = !this.people.all
      .some(({ sendChannel }) => sendChannel?.readyState === 'open');
  }

  close() {
    this.controller.abort();
    for (const link of this.links) URL.revokeObjectURL(link);
  }
}

function persons(count) {
  return `${count} ${count === 1 ? 'person' : 'people'}`;
}

/** What the conversation shows of one file. */
class Parcel {
  constructor(name, length) {
    this.name = name;
    this.length = length;
    this.box = element('div', 'parcel');
    this.state = element('p', 'state', size(length));
    this.bar = element('progress');
    this.bar.max = Math.max(1, length);
    this.bar.hidden = true;
    this.bar.setAttribute('aria-label', `Progress of ${name}`);
    this.actions = element('div', 'actions');
    this.box.append(element('p', 'what', name), this.state, this.bar, this.actions);
  }

  item(className, who) {
    const item = element('li', className);
    item.append(element('span', 'who', who), this.box);
    return item;
  }

  say(text) {
    this.state.textContent = `${size(this.length)}, ${text}`;
  }

  progress(bytes) {
    this.bar.hidden = bytes === undefined;
    if (bytes === undefined) return;
    this.bar.value = bytes;
    this.say(`${Math.floor((100 * bytes) / this.bar.max)} %`);
  }

  act(...elements) {
    this.actions.replaceChildren(...elements);
  }
}
