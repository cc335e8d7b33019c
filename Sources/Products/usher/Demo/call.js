// One stay in a room, from joining to leaving.
import { $, tell, toast } from './page.js';
import { explain, explainDevice, explainLine, explainNoMedia } from './advice.js';
import { Controls } from './controls.js';
import { Files } from './files.js';
import { People } from './people.js';
import { Talk } from './talk.js';
import { Tiles } from './tiles.js';

export class Call {
  constructor(client, { room, name, onEnd, onToggle }) {
    this.client = client;
    this.room = room;
    this.onEnd = onEnd;
    this.wasOpen = false;
    $('room-name').textContent = $('room-name').title = room;
    $('lobby').hidden = true;
    $('call').hidden = false;
    scrollTo(0, 0);  // The lobby may be longer than the window.
    this.notice('');
    location.hash = encodeURIComponent(room);
    document.title = `${room} – Usher demo`;
    this.people = new People(client, {
      onChange: () => this.onPeople(),
      onGone: (peer, isBack) => this.onGone(peer, isBack ? '' : 'left'),
    });
    this.tiles = new Tiles(client, this.people, name || 'You');
    this.talk = new Talk(this.people);
    this.files = new Files(this.people, this.talk);
    this.controls = new Controls(client, {
      leave: () => this.leave(), file: () => this.files.choose(), talk: this.talk,
      tellState: () => this.tellState(), notice: (text) => this.notice(text), onToggle,
    });
    this.listen();
    this.showStatus('connecting');
    this.timer = setInterval(() => this.tiles.measure(), 2000);
    $('stage').focus({ preventScroll: true });
  }

  listen() {
    const on = (type, listener) => this.client.addEventListener(
      type, ({ detail }) => listener(detail, this.people.of(detail)));
    on('socketOpen', () => this.showStatus('open'));
    on('resumed', () => this.showStatus('open'));
    on('reconnecting', ({ attempt }) => this.showStatus('reconnecting', attempt));
    on('socketError', (problem) => this.onProblem(problem));
    on('peerConnectionStateChange', () => this.onPeople());
    on('sendChannelOpen', ({ sendChannel }, peer) => this.onChannel(peer, sendChannel));
    on('receiveChannelOpen', ({ receiveChannel }, peer) => this.people.watch(peer, receiveChannel));
    on('trackAdded', ({ event }, peer) => this.tiles.addTrack(peer, event));
    on('trackRemoved', () => this.tiles.update());
    on('localStream', () => this.onOwnMedia());
    on('screenShareEnded', () => this.controls.update());
    on('message', ({ data }, peer) => this.onMessage(peer, data));
    on('signal', ({ type }, peer) => this.people.takeGoodbye(peer, type));
    on('someone_left', ({ reason }, peer) => this.onLeft(peer, reason));
    this.listenForTrouble(on);
    // A page that the browser had put aside has said goodbye, and is back.
    this.onShow = ({ persisted }) => { if (persisted) this.tellState(); };
    addEventListener('pageshow', this.onShow);
  }

  listenForTrouble(on) {
    on('noMedia', ({ err }) => this.onNoMedia(err));
    on('mediaProblem', (problem) => this.notice(explainDevice(problem)));
    on('negotiationFailed', ({ err }, peer) => this.notice(
      `The connection with ${this.people.nameOf(peer)} does not come about: ${err?.message}`));
    on('audioPlaybackBlocked', () => this.controls.askToPlay());
  }

  // People

  onPeople() {
    this.people.note();
    this.tiles.update();
    this.files.update();
    $('alone').hidden = this.people.all.length > 0;
  }

  onChannel(peer, channel) {
    this.people.watch(peer, channel);
    this.talk.greet(peer);
    this.files.update();
    void this.people.send(peer, JSON.stringify(this.ownState));
  }

  onLeft(peer, reason) {
    if (!peer) return;
    this.people.forget(peer);
    this.onGone(peer, { kicked: 'was removed', lost: 'was lost' }[reason] ?? 'left');
    this.tiles.update();
  }

  onGone(peer, how) {
    if (how) this.talk.farewell(peer, how);
    this.files.lose(peer);
  }

  onMessage(peer, data) {
    if (!peer) return undefined;
    if (typeof data !== 'string') return this.files.takeChunk(peer, data);
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return undefined;  // Somebody's page that is not this one.
    }
    if (!message || typeof message !== 'object') return undefined;
    if (this.people.takeGoodbye(peer, message.kind)) return undefined;
    switch (message.kind) {
      case 'chat': return this.talk.take(peer, message);
      case 'state':
        this.people.stay(peer);
        return this.tiles.takeState(peer, message);
      default: return this.files.take(peer, message);
    }
  }

  /** What the others cannot see for themselves. */
  get ownState() {
    return { kind: 'state', ...this.controls.state };
  }

  tellState() {
    void this.people.tell(this.ownState);
    this.tiles.takeOwnState(this.ownState);
  }

  // Own media

  onOwnMedia() {
    this.tiles.showOwn();
    this.controls.update();
    this.tellState();
  }

  onNoMedia(err) {
    this.notice(explainNoMedia(err));
    this.controls.update();
    this.tiles.showOwn();
  }

  // The line, and leaving

  /** Stays until it is closed, or another takes its place. */
  notice(text) {
    $('notice-text').textContent = text;
    $('call-notice').hidden = !text;
  }

  showStatus(what, attempt = 0) {
    this.wasOpen ||= what === 'open';
    if (what === 'open') this.trouble = undefined;
    const texts = { open: 'connected', connecting: 'connecting', reconnecting: 'reconnecting' };
    const shown = what === 'reconnecting' && !this.wasOpen ? 'connecting' : what;
    $('status').dataset.state = shown;
    $('status').textContent = texts[shown];
    $('reconnecting').hidden = what !== 'reconnecting';
    tell($('reconnecting-text'), what === 'reconnecting'
      ? explainLine({ attempt, wasOpen: this.wasOpen, code: this.trouble }) : '');
  }

  onProblem(problem) {
    this.trouble = problem.code;
    if (!problem.final) return;
    this.leave();
    this.onEnd(explain(problem));
  }

  async copyInvite() {
    const link = `${location.origin}/demo/#${encodeURIComponent(this.room)}`;
    try {
      await navigator.clipboard.writeText(link);
      toast('The invite link is copied');
    } catch {
      this.notice(`The invite link is ${link}`);
    }
  }

  leave() {
    clearInterval(this.timer);
    removeEventListener('pageshow', this.onShow);
    for (const part of [this.client, this.people, this.controls, this.files, this.talk,
      this.tiles]) part.close();
    this.notice('');
    $('reconnecting').hidden = true;
    $('call').hidden = true;
    $('lobby').hidden = false;
    document.title = 'Usher demo';
    this.onEnd('');
    $('join').focus();
  }
}
