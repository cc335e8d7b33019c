// Who is here, what they are called, and how they are reached. Peers are the client's own objects
// of `peerInfo`; one whose page was loaded anew is another object under the same connection id.

/** A page that says goodbye is closed, or only loaded anew: so long its tile waits for it. */
const GRACE_MS = 4_500;

const GOODBYE = 'usher.leaving';

export class People {
  constructor(client, { onChange, onGone }) {
    this.client = client;
    this.onChange = onChange;
    this.onGone = onGone;
    /** By connection id, which is the server's word; peer ids are anybody's. */
    this.known = new Map();
    this.leaving = new Map();
    this.gone = new WeakSet();
    this.controller = new AbortController();
    const { signal } = this.controller;
    addEventListener('pagehide', () => this.sayGoodbye(), { signal });
  }

  /** The peer that an event of the client tells of. */
  of({ connectionId }) {
    return this.client.peerInfo[connectionId] ?? this.known.get(connectionId);
  }

  nameOf(peer) {
    return peer?.name || 'Guest';
  }

  /** With those who may be back in a moment. */
  get all() {
    return Object.values(this.client.peerInfo).filter((peer) => !this.gone.has(peer));
  }

  note() {
    for (const peer of Object.values(this.client.peerInfo)) this.known.set(peer.connectionId, peer);
  }

  // Reaching them

  /** @returns whether the browser took it. */
  async send(peer, data) {
    try {
      return Boolean(await this.client.send(peer.connectionId, data));
    } catch {
      return false;
    }
  }

  /** To everybody who is here. @returns how many that are. */
  async tell(message) {
    const text = JSON.stringify(message);
    const here = this.all.filter((peer) => !this.leaving.has(peer));
    const taken = await Promise.all(here.map((peer) => this.send(peer, text)));
    return taken.filter(Boolean).length;
  }

  // Coming and going

  /** Over the channels, which need no server, and through the server, where no channel is open. */
  sayGoodbye() {
    for (const peer of this.all) {
      void this.send(peer, JSON.stringify({ kind: GOODBYE }));
      this.client.signal(peer.connectionId, { type: GOODBYE });
    }
  }

  /** @returns whether the message was a goodbye. */
  takeGoodbye(peer, kind) {
    if (kind !== GOODBYE) return false;
    if (peer) this.leave(peer);
    return true;
  }

  watch(peer, channel) {
    channel.addEventListener('close', () => this.leave(peer));
  }

  leave(peer) {
    // Closed by this side: the page was loaded anew and has called again, or the server told.
    if (peer.state === 'closed' || this.leaving.has(peer)) return;
    if (this.controller.signal.aborted) return;
    this.leaving.set(peer, setTimeout(() => this.lose(peer), GRACE_MS));
    this.onChange();
  }

  /** It is still there after all, as a page that the browser had only put aside. */
  stay(peer) {
    if (!this.leaving.has(peer) && !this.gone.has(peer)) return;
    this.forget(peer);
    this.onChange();
  }

  lose(peer) {
    const isBack = peer.state === 'closed';
    if (!isBack) this.gone.add(peer);
    this.onGone(peer, isBack);
    this.onChange();
  }

  forget(peer) {
    clearTimeout(this.leaving.get(peer));
    this.leaving.delete(peer);
    this.gone.delete(peer);
  }

  close() {
    this.controller.abort();
    for (const timer of this.leaving.values()) clearTimeout(timer);
  }
}
