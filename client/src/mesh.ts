import { randomID } from './id.js';
import {
  EMPTY, Link, MeshEffect, MeshEvent, MeshState, Person, Timeout, isKind, linkWith,
  transition,
} from './links.js';
import { Peer, PeerDelegate, PeerMessage } from './peer.js';
import type { PeerInfo } from './types.js';

export interface MeshDelegate extends PeerDelegate {
  /** This page's own, where it is known. */
  connectionId(): string | undefined;
  configuration(): RTCConfiguration;
  stream(): MediaStream | undefined;
  receive(): ('audio' | 'video')[];
  tell(connectionId: string, payload: Record<string, unknown>): void;
  /** The number of peers has changed, or a peer goes on under another connection id. */
  onCount(peer: Peer): void;
}

type Payload = Record<string, unknown>;
// Of each member, without what the mesh adds itself.
type Bare<Event> = Event extends unknown ? Omit<Event, 'id' | 'own'> : never;

const textOf = (value: unknown): string | undefined =>
  (typeof value === 'string' ? value : undefined);

/**
 * The connections with all others in the room. They outlive the socket: what is to be done when
 * somebody comes, goes or says something is decided in links.ts, and carried out here.
 */
export class Mesh {
  /** By connection id, for the application; by peer id as well, where that is nobody's else. */
  readonly peerConnections: Record<string, RTCPeerConnection> = {};
  readonly peerInfo: Record<string, PeerInfo> = {};
  private readonly peers = new Map<number, Peer>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly peerDelegate: PeerDelegate;
  private state: MeshState = EMPTY;
  private isClosed = false;

  constructor(private readonly delegate: MeshDelegate) {
    this.peerDelegate = {
      ...delegate,
      onState: (peer) => {
        this.dispatch({ type: 'status', key: peer.key, status: peer.info.state });
        this.list();
        delegate.onState(peer);
      },
    };
  }

  /** Oldest first; with those whose pages are on their way back. */
  get all(): Peer[] {
    return [...this.peers.values()];
  }

  /** Oldest first, and last those whose pages are not in the room: all, or the broken ones. */
  private sorted(isBrokenAlone: boolean): Peer[] {
    const isLast = ({ key, info }: Peer): number => (this.state.links.get(key)?.isOrphan
      && !(isBrokenAlone && info.state === 'connected') ? 1 : 0);
    return this.all.sort((one, other) => isLast(one) - isLast(other));
  }

  /** By connection id, or else the oldest of those who claim this peer id. */
  find(id: string): Peer | undefined {
    return this.sorted(false).find((peer) => peer.info.connectionId === id)
      ?? this.sorted(true).find((peer) => peer.info.peerId === id);
  }

  // Who is there

  /** Somebody came after us. */
  welcome({ connectionId, peerId, name }: Omit<Person, 'polite'>): void {
    this.dispatch({ type: 'joined', person: { connectionId, peerId, name, polite: false } });
  }

  /**
   * Somebody was there before us, and makes the first offer; unless we `begin`: after a reload
   * nobody was told that our connections are gone.
   */
  meet({ connectionId, peerId, name, polite }: Person, begins: boolean): void {
    this.dispatch({ type: 'there', person: { connectionId, peerId, name, polite }, begins });
  }

  leave(connectionId: string): void {
    this.dispatch({ type: 'left', connectionId });
  }

  /** The room is entered anew: who is not there yet may come back. */
  uproot(): void {
    this.dispatch({ type: 'fresh' });
  }

  remove(peer: Peer): void {
    this.dispatch({ type: 'gone', key: peer.key });
  }

  /** Takes a payload of another page; false where it is none of the mesh's. */
  take(type: string, data: Payload): boolean {
    if (!isKind(type)) return false;
    const message = { ...data, type } as unknown as PeerMessage;
    const from = String(data.connectionId);
    const peer = this.peers.get(linkWith(this.state, from)?.key ?? 0);
    const { proofs } = data;
    this.dispatch({
      type: 'said', from, kind: type === 'offer' && message.again ? 'again' : type,
      link: textOf(data.link), proofs: Array.isArray(proofs) ? proofs : [],
      peerId: textOf(data.offererId) ?? from, name: textOf(data.name) ?? null,
      facts: peer && {
        hasHeard: peer.hasHeard, isOffering: peer.isOffering,
        isSamePage: peer.isOfSamePage(message.offer),
      },
    }, message);
    return true;
  }

  // What is decided

  private dispatch(event: Bare<MeshEvent>, message?: PeerMessage): void {
    const { state, effects } = transition(this.state, {
      ...event, id: randomID(), own: this.delegate.connectionId(),
    } as MeshEvent);
    this.state = state;
    for (const effect of effects) if (!this.isClosed) this.carryOut(effect, message);
  }

  private carryOut(effect: MeshEffect, message: PeerMessage | undefined): void {
    switch (effect.do) {
      case 'begin': return this.begin(effect.link, effect.isOfferer);
      case 'take': void this.peers.get(effect.key)?.take(message!); return;
      case 'move': return this.move(effect.link);
      case 'classic': this.peers.get(effect.key)?.becomeClassic(); return;
      case 'close': return this.end(effect.key);
      case 'tell': return this.delegate.tell(effect.to, effect.payload);
      case 'problem': {
        const err = new Error('The other page could not set the connection up');
        return this.delegate.onProblem(effect.person, err);
      }
      case 'wait': return this.wait(effect.timer, effect.ms, effect.then);
      case 'unwait': return this.unwait(effect.timer);
    }
  }

  private begin({ key, person, name: link }: Link, isOfferer: boolean): void {
    let peer: Peer;
    try {
      peer = new Peer({
        ...person, key, link, configuration: this.delegate.configuration(),
        stream: this.delegate.stream(), receive: this.delegate.receive(),
      }, isOfferer, this.peerDelegate);
    } catch (err) {
      // Others are not affected, and the other side need not wait.
      this.dispatch({ type: 'gone', key });
      this.delegate.tell(person.connectionId, { type: 'usher.negotiation_failed', link });
      return this.delegate.onProblem(person, err);
    }
    this.peers.set(key, peer);
    this.list();
    this.delegate.onCount(peer);
  }

  private move({ key, person }: Link): void {
    const peer = this.peers.get(key);
    if (!peer) return;
    const { connectionId, peerId, name, polite } = person;
    Object.assign(peer.info, { connectionId, peerId, name: name ?? peer.info.name });
    peer.polite = polite;
    this.list();
    this.delegate.onCount(peer);
    peer.goOn();
  }

  private end(key: number): void {
    const peer = this.peers.get(key);
    if (!peer) return;
    this.peers.delete(key);
    peer.close();
    this.list();
    this.delegate.onCount(peer);
  }

  private wait(timer: string, ms: number, then: Timeout): void {
    this.timers.set(timer, setTimeout(() => {
      this.timers.delete(timer);
      this.dispatch(then);
    }, ms));
  }

  private unwait(timer: string): void {
    clearTimeout(this.timers.get(timer));
    this.timers.delete(timer);
  }

  /** Connection ids go before peer ids, and who had a peer id first keeps it. */
  private list(): void {
    const { peerConnections, peerInfo } = this;
    for (const id of Object.getOwnPropertyNames(peerInfo)) {
      delete peerConnections[id];
      delete peerInfo[id];
    }
    const put = (id: string, { connection, info }: Peer, enumerable: boolean): void => {
      if (Object.prototype.hasOwnProperty.call(peerInfo, id)) return;
      const how = { configurable: true, enumerable };
      Object.defineProperty(peerConnections, id, { ...how, value: connection });
      Object.defineProperty(peerInfo, id, { ...how, value: info });
    };
    for (const peer of this.sorted(false)) put(peer.info.connectionId, peer, true);
    for (const peer of this.sorted(true)) put(peer.info.peerId, peer, false);
  }

  close(): void {
    for (const timer of [...this.timers.keys()]) this.unwait(timer);
    this.isClosed = true;
    const peers = this.all;
    this.peers.clear();
    this.list();
    for (const peer of peers) peer.close();
  }
}
