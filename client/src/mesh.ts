import { randomID } from './id';
import { Peer, PeerDelegate, PeerMessage } from './peer';
import type { PeerInfo } from './types';

export interface Member {
  connectionId: string;
  peerId: string;
  name: string | null;
}

export interface MeshDelegate extends PeerDelegate {
  configuration(): RTCConfiguration;
  stream(): MediaStream | undefined;
  receive(): ('audio' | 'video')[];
  tell(connectionId: string, payload: Record<string, unknown>): void;
  /** The number of peers has changed. */
  onCount(peer: Peer): void;
}

/** How long a connection outlives its place in the room, while its page may come back. */
const ORPHAN_MS = 60_000;

/**
 * The connections with all others in the room. They outlive the socket: whoever comes back is known
 * by its peer id, and its connection goes on, unless its page was loaded anew and has lost it.
 */
export class Mesh {
  /** By connection id. */
  readonly peers = new Map<string, Peer>();
  /** By connection id, for the application; found by peer id as well. */
  readonly peerConnections: Record<string, RTCPeerConnection> = {};
  readonly peerInfo: Record<string, PeerInfo> = {};
  /** Connections whose pages are not in the room at present, by peer id. */
  private readonly orphans = new Map<string, Peer>();
  private readonly politeness = new Map<string, boolean>();

  constructor(private readonly delegate: MeshDelegate) {}

  find(id: string): Peer | undefined {
    return this.peers.get(id)
      ?? [...this.peers.values()].find((peer) => peer.info.peerId === id);
  }

  // Who is there

  /** Somebody came after us: the first offer is ours. */
  welcome(member: Member): void {
    this.politeness.set(member.connectionId, false);
    const known = this.adopt(member, false);
    if (known) {
      // Whether its page still has the connection, it knows alone.
      this.tell(known, { type: 'link_check', link: known.link });
    } else {
      this.begin(member, false, randomID());
    }
  }

  /** Somebody was there before us, and makes the first offer. */
  meet(member: Member, polite: boolean): void {
    this.politeness.set(member.connectionId, polite);
    if (this.peers.has(member.connectionId)) return;
    this.adopt(member, polite);
  }

  /** After a reload nobody was told that our connections are gone: we begin them again. */
  meetAgain(member: Member, polite: boolean): void {
    this.politeness.set(member.connectionId, polite);
    if (!this.peers.has(member.connectionId)) this.begin(member, polite, randomID());
  }

  /** A connection that works goes on under another connection id. */
  private adopt(member: Member, polite: boolean): Peer | undefined {
    const known = this.orphans.get(member.peerId)
      ?? [...this.peers.values()].find((peer) => peer.info.peerId === member.peerId
        && peer.info.connectionId !== member.connectionId);
    if (!known) return undefined;
    const isGood = known.link !== undefined && known.connection.connectionState === 'connected';
    if (!isGood) {
      this.orphans.delete(member.peerId);
      if (this.peers.get(known.info.connectionId) === known) this.forget(known);
      known.close();
      return undefined;
    }
    this.orphans.delete(member.peerId);
    this.unlist(known);
    known.info.connectionId = member.connectionId;
    known.info.name = member.name ?? known.info.name;
    known.polite = polite;
    this.list(known);
    return known;
  }

  leave(connectionId: string): void {
    this.politeness.delete(connectionId);
    const peer = this.peers.get(connectionId);
    if (peer) this.remove(peer);
  }

  /** The room is entered anew: who is not there yet may come back. */
  uproot(): void {
    this.politeness.clear();
    for (const peer of [...this.peers.values()]) {
      this.forget(peer);
      this.orphans.set(peer.info.peerId, peer);
      setTimeout(() => this.drop(peer), ORPHAN_MS);
    }
  }

  private drop(peer: Peer): void {
    if (this.orphans.get(peer.info.peerId) !== peer) return;
    this.orphans.delete(peer.info.peerId);
    peer.close();
    this.delegate.onCount(peer);
  }

  private begin(member: Member, polite: boolean, link: string | undefined, isOfferer = true): Peer {
    const peer = new Peer({
      ...member, polite, link, configuration: this.delegate.configuration(),
      stream: this.delegate.stream(), receive: this.delegate.receive(),
    }, isOfferer, this.delegate);
    this.list(peer);
    this.delegate.onCount(peer);
    return peer;
  }

  remove(peer: Peer): void {
    this.forget(peer);
    this.drop(peer);
    peer.close();
    this.delegate.onCount(peer);
  }

  // The application's view

  private list(peer: Peer): void {
    const { connectionId, peerId } = peer.info;
    this.peers.set(connectionId, peer);
    this.peerConnections[connectionId] = peer.connection;
    this.peerInfo[connectionId] = peer.info;
    if (peerId === connectionId) return;
    const alias = { configurable: true, enumerable: false };
    Object.defineProperty(this.peerConnections, peerId, { ...alias, value: peer.connection });
    Object.defineProperty(this.peerInfo, peerId, { ...alias, value: peer.info });
  }

  private unlist(peer: Peer): void {
    const { connectionId, peerId } = peer.info;
    if (this.peers.get(connectionId) !== peer) return;
    this.peers.delete(connectionId);
    for (const id of [connectionId, peerId]) {
      delete this.peerConnections[id];
      delete this.peerInfo[id];
    }
  }

  private forget(peer: Peer): void {
    this.unlist(peer);
  }

  // What others say

  private tell(peer: Peer, payload: Record<string, unknown>): void {
    this.delegate.tell(peer.info.connectionId, payload);
  }

  /** Takes a payload of another page; false where it is none of the mesh's. */
  take(type: string, data: Record<string, unknown>): boolean {
    if (!['offer', 'answer', 'ice_candidate', 'link_check', 'link_lost'].includes(type)) {
      return false;
    }
    const message = { ...data, type } as unknown as PeerMessage;
    const connectionId = String(data.connectionId);
    const peer = this.peers.get(connectionId);
    if (peer && this.isClassicAnswer(peer, message)) peer.link = undefined;
    const isOfPeer = peer !== undefined && peer.link === message.link
      && (peer.link !== undefined || !message.offer || peer.isOfSamePage(message.offer));
    if (type === 'link_lost') {
      if (isOfPeer) this.renew(peer);
    } else if (isOfPeer) {
      if (type !== 'link_check') void peer.take(message);
    } else if (type === 'link_check' || message.again) {
      this.delegate.tell(connectionId, { type: 'link_lost', link: message.link });
    } else if (message.offer) {
      this.accept(message, data, peer);
    }
    return true;
  }

  /** Classic clients answer without the link's name; from then on we know that they are such. */
  private isClassicAnswer(peer: Peer, message: PeerMessage): boolean {
    return message.link === undefined && !message.offer && !peer.hasHeard
      && (message.answer !== undefined || message.type === 'ice_candidate');
  }

  /** The other page has lost the connection: both begin again, the impolite side with an offer. */
  private renew(peer: Peer): void {
    const { connectionId, peerId, name } = peer.info;
    this.remove(peer);
    this.begin({ connectionId, peerId, name }, peer.polite, randomID());
  }

  /** The first offer of a new connection. */
  private accept(
    message: PeerMessage, data: Record<string, unknown>, old: Peer | undefined,
  ): void {
    const connectionId = String(data.connectionId);
    const polite = this.politeness.get(connectionId) ?? true;
    // Both began at once: the polite side gives its own up.
    if (old?.isOffering && !polite && message.link !== undefined) return;
    const peerId = typeof data.offererId === 'string' ? data.offererId : connectionId;
    const name = typeof data.name === 'string' ? data.name : old?.info.name ?? null;
    if (old) this.remove(old);
    const orphan = this.orphans.get(peerId);
    if (orphan) this.drop(orphan);
    const peer = this.begin({ connectionId, peerId, name }, polite, message.link, false);
    void peer.take(message);
  }

  close(): void {
    for (const peer of [...this.peers.values(), ...this.orphans.values()]) {
      this.unlist(peer);
      peer.close();
    }
    this.orphans.clear();
  }
}
