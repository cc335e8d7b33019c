import { randomID } from './id.js';
import { fingerprint, Host, Peer, PeerMessage, Person } from './peer.js';
import type { PeerInfo } from './types.js';

type Payload = Record<string, unknown>;

/** How long a connection outlives its place in the room, while its page may come back. */
export const ORPHAN_MS = 60_000;
/** How long we wait for the answer whether a newcomer is somebody that we know. */
export const CHECK_MS = 5_000;

interface Known extends Person {
  /** Runs while it is asked whether it is somebody that we know. */
  checked?: ReturnType<typeof setTimeout>;
  /** The connection whose other page it says to be. */
  claims?: Peer;
}

const textOf = (value: unknown): string | undefined =>
  (typeof value === 'string' && value || undefined);

/**
 * The connections with all others in the room; they outlive the socket. What another page says is
 * taken by whose connection it names, its `link`, which both pages know and nobody else.
 */
export class Mesh {
  /** By connection id, for the application; by peer id as well, where that is nobody's else. */
  readonly peerConnections: Record<string, RTCPeerConnection> = {};
  readonly peerInfo: Record<string, PeerInfo> = {};
  /** Oldest first; with those whose pages are on their way back. Replaced when it changes. */
  all: readonly Peer[] = [];
  /** By connection id, as the server has told. */
  readonly #people = new Map<string, Known>();
  #isClosed = false;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** By connection id, or else the oldest of those who claim this peer id. */
  find(id: string): Peer | undefined {
    return this.all.find(({ info }) => info === this.peerInfo[id]);
  }

  /** The connection with somebody who is in the room. */
  #with(connectionId: string): Peer | undefined {
    return this.all.find((peer) => !peer.orphaned && peer.info.connectionId === connectionId);
  }

  // Who is there

  /** Somebody came after us: the first offer is ours, unless it is somebody whom we know. */
  welcome(joined: Omit<Person, 'polite'>): void {
    const person: Known = { ...joined, polite: false };
    const { connectionId, peerId } = person;
    this.#people.set(connectionId, person);
    if (this.#with(connectionId)) return;
    const own = this.#host.connectionId();
    // Nobody tells a page in classic who has left; in v1 whoever was not said to have is there.
    const known = this.all.filter(({ link, info, orphaned }) => link && info.peerId === peerId
      && info.state === 'connected' && !orphaned === !own);
    if (!known.length) return this.#begin(person);
    // The peer id is but a claim: what the page says over the connection itself tells.
    const fingerprints = own
      ? known.map(({ connection }) => fingerprint(connection.localDescription)) : [];
    this.#host.tell(connectionId, { type: 'link_check', fingerprints });
    person.checked = setTimeout(() => this.#begin(person), CHECK_MS);
  }

  /**
   * Somebody was there before us, and makes the first offer; unless we `begin`: after a reload
   * nobody was told that our connections are gone.
   */
  meet(person: Person, begins: boolean): void {
    this.#people.set(person.connectionId, person);
    if (begins) this.#begin(person);
  }

  leave(connectionId: string): void {
    this.#uncheck(connectionId);
    this.#people.delete(connectionId);
    this.#end(this.#with(connectionId));
  }

  /** The room is entered anew: others may come back too, under other connection ids. */
  uproot(): void {
    const own = this.#host.connectionId();
    for (const connectionId of this.#people.keys()) this.#uncheck(connectionId);
    this.#people.clear();
    for (const peer of this.all) {
      const { link, info } = peer;
      if (own && link && peer.hasHeard) peer.announce(own);
      if (peer.orphaned) continue;
      // In classic a page does not know its own connection id, and so cannot say it to those who
      // have another one too. Who has kept the old one may be shown the link's name.
      if (link && !own) this.#host.tell(info.connectionId, { type: 'link_check', link });
      peer.orphaned = setTimeout(() => this.#end(peer), link && own ? ORPHAN_MS : CHECK_MS);
    }
    this.#list();
  }

  #uncheck(connectionId: string): void {
    const person = this.#people.get(connectionId);
    clearTimeout(person?.checked);
    delete person?.checked;
  }

  /** Begins a connection: with an offer of our own, or since there is one. */
  #begin(person: Person, offer?: PeerMessage): void {
    const { connectionId } = person;
    if (this.#isClosed || this.#with(connectionId)) return;
    this.#uncheck(connectionId);
    const link = offer ? offer.link : randomID();
    try {
      const peer: Peer = new Peer(this.#host, person, link, !offer,
        () => this.#onState(peer), () => this.#keep(peer));
      this.all = [...this.all, peer];
      this.#changed(peer);
      if (offer) peer.take(offer);
    } catch (err) {
      // Others are not affected, and the other side need not wait.
      this.#host.tell(connectionId, { type: 'usher.negotiation_failed', link });
      this.#fail(person, err);
    }
  }

  #fail({ connectionId, peerId }: Person, err: unknown): void {
    this.#host.emit('negotiationFailed', { connectionId, peerId, err });
  }

  /** It goes on, with somebody of another connection id. */
  #move(peer: Peer, { connectionId, peerId, name, polite }: Person): void {
    this.#uncheck(connectionId);
    if (!peer.orphaned) this.#people.delete(peer.info.connectionId);
    clearTimeout(peer.orphaned);
    peer.orphaned = undefined;
    Object.assign(peer.info, { connectionId, peerId, name: name ?? peer.info.name });
    peer.polite = polite;
    this.#changed(peer);
    // Said once more it changes nothing.
    this.#host.tell(connectionId, { type: 'usher.link_kept', link: peer.link });
    peer.goOn();
  }

  /**
   * In v1 a connection goes on where both are said: by its other page, over the connection, that
   * it is somebody; and by them, through the server, that the connection is theirs.
   */
  #keep(peer: Peer): void {
    const person = this.#people.get(peer.claim ?? '');
    if (person?.claims === peer && !this.#with(person.connectionId)) this.#move(peer, person);
  }

  #end(peer: Peer | undefined): void {
    if (!peer || !this.all.includes(peer)) return;
    this.all = this.all.filter((one) => one !== peer);
    peer.close();
    this.#changed(peer);
  }

  #onState(peer: Peer): void {
    const isOver = ['failed', 'closed'].includes(peer.info.state);
    // Without its page nothing can mend it.
    if (isOver && peer.orphaned) this.#end(peer);
    else this.#changed(peer);
    // Nobody tells a classic client who left.
    if (!isOver || (peer.link && this.#host.connectionId())) return;
    this.#end(peer);
    peer.emit('someone_left', { roomId: this.#host.roomId, reason: 'connection' });
  }

  // What others say

  /** Takes a payload of another page; false where it is none of the mesh's. */
  take(type: string, data: Payload): boolean {
    const message = { ...data, type, link: textOf(data.link) };
    return this.#hear(message, data, String(data.connectionId)) !== false;
  }

  #hear(
    message: PeerMessage, { offererId, name, fingerprints }: Payload, from: string,
  ): void | false {
    const { type, link } = message;
    const saidName = textOf(name) ?? null;
    const own = this.#host.connectionId();
    const here = this.#with(from);
    const isOffer = type === 'offer';
    // Classic clients answer without the link's name; from then on we know that they are such.
    const isAnswer = type === 'answer' || type === 'ice_candidate';
    if (here && !link && isAnswer && !here.hasHeard) here.link = undefined;
    const mine = here && here.link === link
      && (link || !isOffer || here.isOfSamePage(message.offer)) ? here : undefined;
    // That the sender says to be at the other end of; who else was told of them may say it too.
    const isCheck = type === 'link_check';
    const listed = own && isCheck && Array.isArray(fingerprints) ? fingerprints : [];
    const shown = here ? undefined : this.all.find((peer) => peer.link
      && peer.info.state === 'connected' && (peer.link === link
        || listed.includes(fingerprint(peer.connection.remoteDescription))));
    const person: Known = this.#people.get(from) ?? {
      connectionId: from, peerId: textOf(offererId) ?? shown?.info.peerId ?? from, name: saidName,
      polite: true,
    };
    if (isAnswer || (isOffer && mine)) return mine?.take(message);
    switch (type) {
      case 'offer':
        if (message.again) return this.#host.tell(from, { type: 'link_lost', link });
        // Both began at once: the polite side gives its own up.
        if (here?.isOffering && !person.polite && link) return;
        for (const peer of this.all) if (peer.info.connectionId === from) this.#end(peer);
        return this.#begin({ ...person, name: person.name ?? saidName }, message);
      case 'link_check': case 'usher.link_kept':
        person.claims = shown;
        if (shown && own) this.#keep(shown);
        else if (shown) this.#move(shown, person);
        else if (!mine && isCheck) this.#host.tell(from, { type: 'link_lost', link });
        return;
      case 'link_lost':
        this.#end(mine ?? shown);
        if (mine || (!here && !shown && person.checked)) this.#begin(person);
        return;
      case 'usher.negotiation_failed':
        if (!mine && (here || shown)) return;
        return this.#fail(person, new Error('The other page cannot connect'));
      default: return false;
    }
  }

  // For the application

  #changed(peer: Peer): void {
    this.#list();
    peer.emit('peerConnectionStateChange', { state: peer.info.state });
  }

  /** Connection ids go before peer ids, and who had a peer id first keeps it. */
  #list(): void {
    // Oldest first, and last those that are broken and whose pages are not in the room.
    const isLast = ({ orphaned, info }: Peer): number =>
      (orphaned && info.state !== 'connected' ? 1 : 0);
    const sorted = [...this.all].sort((one, other) => isLast(one) - isLast(other));
    const { peerConnections, peerInfo } = this;
    for (const id of Reflect.ownKeys(peerInfo) as string[]) {
      delete peerConnections[id];
      delete peerInfo[id];
    }
    const put = (id: string, { connection, info }: Peer, enumerable: boolean): void => {
      if (Object.hasOwn(peerInfo, id)) return;
      const define = (to: object, value: unknown): unknown =>
        Object.defineProperty(to, id, { configurable: true, enumerable, value });
      define(peerConnections, connection);
      define(peerInfo, info);
    };
    for (const peer of sorted) if (!peer.orphaned) put(peer.info.connectionId, peer, true);
    for (const peer of sorted) put(peer.info.connectionId, peer, true);
    for (const peer of sorted) put(peer.info.peerId, peer, false);
  }

  close(): void {
    this.#isClosed = true;
    for (const connectionId of this.#people.keys()) this.#uncheck(connectionId);
    const peers = this.all;
    this.all = [];
    this.#list();
    for (const peer of peers) peer.close();
  }
}
