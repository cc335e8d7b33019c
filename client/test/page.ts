import assert from 'node:assert/strict';
import { Mesh } from '../src/mesh.js';
import { Host, Peer, Person } from '../src/peer.js';
import { FakeConnection, FakeTimers } from './fakes.js';

export type Member = Omit<Person, 'polite'>;
export const BOB: Member = { connectionId: 'b1', peerId: 'bob', name: 'Bob' };

/** A page's mesh, and in short what it does. */
export class Page {
  static last: Page | undefined;
  own: string | undefined = 'a1';
  readonly told: Record<string, unknown>[] = [];
  private done: string[] = [];
  private readonly peers: Peer[] = [];
  readonly timers = new FakeTimers((text) => this.done.push(text));
  readonly mesh = new Mesh({
    roomId: 'lobby',
    connectionId: () => this.own, configuration: () => ({ iceServers: [] }),
    stream: () => undefined,
    sound: () => undefined, receive: [],
    create: () => new FakeConnection() as unknown as RTCPeerConnection,
    tell: (to, payload) => {
      this.told.push(payload);
      this.done.push(`tell ${to} ${String(payload.type)}`);
    },
    emit: (type, detail) => {
      const { connectionId } = detail as { connectionId: string };
      const peer = this.mesh.all.find((one) => !this.peers.includes(one));
      if (type === 'negotiationFailed') this.done.push(`problem with ${connectionId}`);
      if (type === 'someone_left') this.done.push(`lost ${connectionId}`);
      if (peer) {
        const asked = fake(peer).channels.length ? '' : ' as asked';
        this.done.push(`begin ${this.peers.push(peer)} with ${connectionId}${asked}`);
      }
    },
  } as Host);

  constructor() {
    Page.last = this;
    const log = (what: string, peer: Peer, more = ''): void =>
      void this.done.push(`${what} ${this.peers.indexOf(peer) + 1}${more}`);
    const { close } = real;
    Object.assign(Peer.prototype, {
      take(this: Peer) { log('take', this); },
      goOn(this: Peer) { log('move', this, ` to ${this.info.connectionId}`); },
      close(this: Peer) {
        log('close', this);
        close.call(this);
      },
    });
  }

  /** @returns in short what is done meanwhile. */
  on(step: () => unknown): string {
    this.done = [];
    step();
    return this.done.join(', ');
  }

  joins(person: Member): string {
    return this.on(() => this.mesh.welcome(person));
  }

  leaves(connectionId: string): string {
    return this.on(() => this.mesh.leave(connectionId));
  }

  enters(): string {
    return this.on(() => this.mesh.uproot());
  }

  /** So much time goes by for a timer. */
  waits(ms: number): string {
    return this.on(() => this.timers.fire(ms));
  }

  /** The page at the other end says over the connection who it is. */
  hearsThere(connectionId: string, number = 1): string {
    const channel = { label: 'usher.here', protocol: connectionId };
    return this.on(() => fake(this.peer(number)).ondatachannel!({ channel }));
  }

  /** What it says itself over a connection. */
  announced(number = 1): unknown[] {
    return fake(this.peer(number)).channels.filter(({ label }) => label === 'usher.here')
      .map(({ protocol }) => protocol);
  }

  becomes(state: RTCPeerConnectionState, number = 1): string {
    return this.on(() => fake(this.peer(number)).become(state));
  }

  peer(number: number): Peer {
    return this.peers[number - 1]!;
  }

  /** Somebody comes, and a connection with it stands. */
  knows(person: Member, link: string | undefined = 'L'): void {
    this.joins(person);
    const peer = this.peers[this.peers.length - 1]!;
    Object.assign(peer, { link, hasHeard: true });
    const number = this.peers.length;
    Object.assign(fake(peer), {
      localDescription: { sdp: `a=fingerprint:own ${number}` },
      remoteDescription: { sdp: `a=fingerprint:other ${number}` },
    });
    fake(peer).become('connected');
  }

  hears(from: string, type: string, link?: string, more: Record<string, unknown> = {}): string {
    return this.on(() => {
      const data = { connectionId: from, link, offererId: 'bob', name: 'Bob', ...more };
      assert(this.mesh.take(type, data));
    });
  }

  get links(): string[] {
    return this.mesh.all.map((peer) =>
      `${this.peers.indexOf(peer) + 1}: ${peer.info.connectionId}${peer.orphaned ? ' lost' : ''}`);
  }
}

const real = { take: Peer.prototype.take, goOn: Peer.prototype.goOn, close: Peer.prototype.close };
export const fake = (peer: Peer): FakeConnection => peer.connection as unknown as FakeConnection;

/** Its own first offer is under way, and nothing was heard. */
export const offering = (peer: Peer): void =>
  void Object.defineProperty(peer, 'isOffering', { value: true });

/** To be called after each test. */
export function tidy(): void {
  Page.last?.timers.restore();
  Object.assign(Peer.prototype, real);
}
