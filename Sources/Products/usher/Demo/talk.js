// The conversation: what people write, and what happens.
import { $, cut, element } from './page.js';

const MESSAGES_MAX = 500;

export class Talk {
  constructor(people) {
    this.people = people;
    /** Peers whose arrival was told, by peer id: who only reloads does not come again. */
    this.greeted = new Set();
    $('messages').replaceChildren();
    this.controller = new AbortController();
    const { signal } = this.controller;
    $('message-form').addEventListener('submit', (event) => void this.submit(event), { signal });
    $('close-panel').addEventListener('click', () => this.show(false), { signal });
    // On a phone the people come first.
    this.show(matchMedia('(min-width: 46rem) and (min-height: 30rem)').matches);
  }

  get isShown() {
    return !$('panel').hidden;
  }

  show(isShown) {
    $('panel').hidden = !isShown;
    $('chat').setAttribute('aria-pressed', String(isShown));
    if (isShown) $('unread').hidden = true;
    dispatchEvent(new Event('resize'));
  }

  async submit(event) {
    event.preventDefault();
    const text = $('message').value.trim();
    if (!text) return;
    $('message').value = '';
    this.say('You', text, true);
    const count = await this.people.tell({ kind: 'chat', text });
    if (count === 0) this.note('Nobody is connected, so nobody has read this.');
  }

  take(peer, { text }) {
    if (typeof text !== 'string') return;
    this.say(this.people.nameOf(peer), cut(text, 2000), false);
  }

  greet(peer) {
    if (this.greeted.has(peer.peerId)) return;
    this.greeted.add(peer.peerId);
    this.note(`${this.people.nameOf(peer)} is here`);
  }

  farewell(peer, how) {
    if (this.greeted.delete(peer.peerId)) this.note(`${this.people.nameOf(peer)} ${how}`);
  }

  say(who, text, isOwn) {
    const item = element('li', isOwn ? 'own' : '');
    item.append(element('span', 'who', who), element('span', 'text', text));
    this.add(item);
  }

  note(text) {
    this.add(element('li', 'note', text));
  }

  add(item) {
    const list = $('messages');
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.append(item);
    while (list.children.length > MESSAGES_MAX) list.firstElementChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    if (!this.isShown && !item.classList.contains('note')) $('unread').hidden = false;
  }

  close() {
    this.controller.abort();
  }
}
