import { sha256 } from './sha256.js';

/** Somebody in the room: the connection id is the server's word, all else a claim. */
export interface Person {
  connectionId: string;
  peerId: string;
  name: string | null;
  /** Whether we give way to it when both make an offer at once. */
  polite: boolean;
}

/** A connection between two pages. */
export interface Link {
  key: number;
  person: Person;
  /** Its name, which both pages know and nobody else; undefined for a classic client. */
  name: string | undefined;
  status: RTCPeerConnectionState;
  /** Whether its page was not seen since the room was entered anew. */
  isOrphan: boolean;
}

export interface MeshState {
  /** By connection id, as the server has told. */
  readonly people: ReadonlyMap<string, Person>;
  readonly links: ReadonlyMap<number, Link>;
  /** Connection ids of those who were asked whether they are somebody that we know. */
  readonly checking: ReadonlySet<string>;
  readonly count: number;
}

/** What the page knows of the connection with the sender of a message. */
export interface Facts {
  /** Whether an offer or answer of the other page has been applied. */
  hasHeard: boolean;
  /** Whether our first offer is under way, and nothing was heard. */
  isOffering: boolean;
  /** Whether the offer is of the page at the other end, by its certificate. */
  isSamePage: boolean;
}

export interface Said {
  type: 'said';
  from: string;
  kind: Kind;
  link: string | undefined;
  proofs: readonly string[];
  /** What the sender calls itself, where the server has said nothing. */
  peerId: string;
  name: string | null;
  facts: Facts | undefined;
}

/** `id` is a fresh name for a link; `own` this page's connection id, where it is known (v1). */
export type MeshEvent = { id: string; own: string | undefined } & (
  | { type: 'fresh' }
  | { type: 'joined'; person: Person }
  | { type: 'there'; person: Person; begins: boolean }
  | { type: 'left' | 'check_over'; connectionId: string }
  | { type: 'status'; key: number; status: RTCPeerConnectionState }
  | { type: 'gone' | 'orphan_over'; key: number }
  | Said);

export type MeshEffect =
  | { do: 'begin'; link: Link; isOfferer: boolean }
  /** Hands the message on to the connection. */
  | { do: 'take'; key: number }
  /** The connection goes on, with somebody of another connection id. */
  | { do: 'move'; link: Link }
  | { do: 'classic'; key: number }
  | { do: 'close'; key: number }
  | { do: 'tell'; to: string; payload: Record<string, unknown> }
  | { do: 'problem'; person: Person }
  | { do: 'wait'; timer: string; ms: number; then: Timeout }
  | { do: 'unwait'; timer: string };

export type Timeout =
  { type: 'check_over'; connectionId: string } | { type: 'orphan_over'; key: number };

/** How long a connection outlives its place in the room, while its page may come back. */
export const ORPHAN_MS = 60_000;
/** How long we wait for the answer whether a newcomer is somebody that we know. */
export const CHECK_MS = 5_000;

const KINDS = {
  //                   of this link    shows another  of no link that  sender has
  //                                   link of ours   we know of       no link
  offer:             ['take',          'accept',      'accept',        'accept'],
  again:             ['take',          'deny',        'deny',          'deny'],
  answer:            ['take',          'ignore',      'ignore',        'ignore'],
  ice_candidate:     ['take',          'ignore',      'ignore',        'ignore'],
  link_check:        ['ignore',        'keep',        'deny',          'deny'],
  link_lost:         ['renew',         'forget',      'ignore',        'begin'],
  'usher.link_kept': ['ignore',        'move',        'ignore',        'ignore'],
  'usher.negotiation_failed': ['tell', 'ignore',      'ignore',        'tell'],
} as const;

export type Kind = keyof typeof KINDS;

export function isKind(type: string): type is Kind {
  return Object.prototype.hasOwnProperty.call(KINDS, type);
}

/** Shows `to` that `from` knows a link's name, and tells nobody the name. */
export function proofOf(name: string, from: string, to: string): string {
  return sha256(`${name} ${from} ${to}`);
}

export const EMPTY: MeshState = {
  people: new Map(), links: new Map(), checking: new Set(), count: 0,
};

/** The link with somebody who is in the room. */
export function linkWith({ links }: MeshState, connectionId: string): Link | undefined {
  return [...links.values()].find(
    (link) => !link.isOrphan && link.person.connectionId === connectionId);
}

/** Decides what an event changes, and what is to be done about it, in order. */
export function transition(
  state: MeshState, event: MeshEvent,
): { state: MeshState; effects: MeshEffect[] } {
  const draft = new Draft(state);
  draft.handle(event);
  return { state: draft, effects: draft.effects };
}

/** A copy of the state, which one event changes. */
class Draft {
  readonly people: Map<string, Person>;
  readonly links: Map<number, Link>;
  readonly checking: Set<string>;
  count: number;
  readonly effects: MeshEffect[] = [];

  constructor(state: MeshState) {
    this.people = new Map(state.people);
    this.links = new Map(state.links);
    this.checking = new Set(state.checking);
    this.count = state.count;
  }

  handle(event: MeshEvent): void {
    switch (event.type) {
      case 'fresh': return this.enter(event.own !== undefined);
      case 'joined': return this.welcome(event.person, event);
      case 'there': {
        this.people.set(event.person.connectionId, event.person);
        if (event.begins) this.begin(event.person, event.id);
        return;
      }
      case 'left': {
        this.people.delete(event.connectionId);
        this.check(event.connectionId, false);
        return this.close(linkWith(this, event.connectionId));
      }
      case 'check_over': {
        const person = this.people.get(event.connectionId);
        if (this.checking.delete(event.connectionId) && person) this.begin(person, event.id);
        return;
      }
      case 'status': return this.learn(event.key, event.status);
      case 'gone': return this.close(this.links.get(event.key));
      case 'orphan_over': {
        const link = this.links.get(event.key);
        return link?.isOrphan ? this.close(link) : undefined;
      }
      case 'said': return this.hear(event, event);
    }
  }

  private change(link: Link, change: Partial<Link>): Link {
    const changed = { ...link, ...change };
    this.links.set(link.key, changed);
    return changed;
  }

  // Who is there

  /** The room is entered anew: others may come back too, under other connection ids. */
  private enter(isV1: boolean): void {
    this.people.clear();
    for (const connectionId of this.checking) this.check(connectionId, false);
    for (const link of this.links.values()) {
      if (link.isOrphan) continue;
      this.change(link, { isOrphan: true });
      const { key, name, person: { connectionId: to } } = link;
      // In classic a page does not know its own connection id, so that nothing can be proven to
      // those who have another one too. Who has kept the old one may be shown the link's name.
      const isShown = name !== undefined && !isV1;
      if (isShown) this.tell(to, { type: 'link_check', link: name });
      this.effects.push({
        do: 'wait', timer: `orphan ${key}`, ms: name !== undefined && isV1 ? ORPHAN_MS : CHECK_MS,
        then: { type: 'orphan_over', key },
      });
    }
  }

  /** Somebody came after us: the first offer is ours, unless it is somebody whom we know. */
  private welcome(person: Person, { id, own }: { id: string; own: string | undefined }): void {
    const { connectionId, peerId } = person;
    this.people.set(connectionId, person);
    if (linkWith(this, connectionId)) return;
    // Nobody tells a page in classic who has left; in v1 whoever was not said to have is there.
    const known = [...this.links.values()].filter((link) => link.name !== undefined
      && link.person.peerId === peerId && link.status === 'connected'
      && link.isOrphan === (own !== undefined) && link.person.connectionId !== connectionId);
    if (!known.length) return this.begin(person, id);
    // The peer id is but a claim: the link's name tells.
    const proofs = own === undefined ? []
      : known.map(({ name }) => proofOf(name as string, own, connectionId));
    this.tell(connectionId, { type: 'link_check', proofs });
    this.check(connectionId, true);
  }

  private check(connectionId: string, isOn: boolean): void {
    const timer = `check ${connectionId}`;
    if (isOn) {
      this.checking.add(connectionId);
      const then = { type: 'check_over', connectionId } as const;
      this.effects.push({ do: 'wait', timer, ms: CHECK_MS, then });
    } else if (this.checking.delete(connectionId)) {
      this.effects.push({ do: 'unwait', timer });
    }
  }

  private begin(person: Person, name: string | undefined, isOfferer = true): void {
    if (linkWith(this, person.connectionId)) return;
    this.check(person.connectionId, false);
    const key = (this.count += 1);
    const link: Link = { key, person, name, status: 'new', isOrphan: false };
    this.links.set(key, link);
    this.effects.push({ do: 'begin', link, isOfferer });
  }

  private move(link: Link, person: Person): void {
    this.check(person.connectionId, false);
    if (link.isOrphan) this.effects.push({ do: 'unwait', timer: `orphan ${link.key}` });
    else this.people.delete(link.person.connectionId);
    this.effects.push({ do: 'move', link: this.change(link, { person, isOrphan: false }) });
  }

  private close(link: Link | undefined): void {
    if (!link) return;
    this.links.delete(link.key);
    if (link.isOrphan) this.effects.push({ do: 'unwait', timer: `orphan ${link.key}` });
    this.effects.push({ do: 'close', key: link.key });
  }

  private learn(key: number, status: RTCPeerConnectionState): void {
    const link = this.links.get(key);
    if (!link) return;
    const changed = this.change(link, { status });
    // Without its page nothing can mend it.
    if (link.isOrphan && (status === 'failed' || status === 'closed')) this.close(changed);
  }

  // What others say

  private tell(to: string, payload: Record<string, unknown>): void {
    this.effects.push({ do: 'tell', to, payload });
  }

  private hear(said: Said, { id, own }: { id: string; own: string | undefined }): void {
    const { from, kind, facts } = said;
    let here = linkWith(this, from);
    // Classic clients answer without the link's name; from then on we know that they are such.
    const isAnswer = kind === 'answer' || kind === 'ice_candidate';
    if (here?.name !== undefined && said.link === undefined && isAnswer && !facts?.hasHeard) {
      here = this.change(here, { name: undefined });
      this.effects.push({ do: 'classic', key: here.key });
    }
    const isMine = here && here.name === said.link
      && (here.name !== undefined || kind !== 'offer' || facts?.isSamePage);
    const shown = here ? undefined : this.shown(said, own);
    const person = this.people.get(from) ?? (shown ? { ...shown.person, connectionId: from }
      : { connectionId: from, peerId: said.peerId, name: said.name, polite: true });
    switch (KINDS[kind][isMine ? 0 : shown ? 1 : here ? 2 : 3]) {
      case 'take': this.effects.push({ do: 'take', key: here!.key }); return;
      case 'accept': return this.accept(said, person, here);
      case 'deny': return this.tell(from, { type: 'link_lost', link: said.link });
      case 'keep': {
        this.move(shown!, person);
        return this.tell(from, { type: 'usher.link_kept', link: shown!.name });
      }
      case 'move': return this.move(shown!, person);
      case 'forget': return this.close(shown);
      case 'renew': {
        this.close(here);
        return this.begin(person, id);
      }
      case 'begin': if (this.checking.has(from)) this.begin(person, id); return;
      case 'tell': this.effects.push({ do: 'problem', person }); return;
    }
  }

  /** The link of ours that the sender is at the other end of, as its name or a proof shows. */
  private shown({ link: name, proofs, from }: Said, own: string | undefined): Link | undefined {
    return [...this.links.values()].find((link) => link.name !== undefined
      && link.status === 'connected' && (link.name === name
        || (own !== undefined && proofs.length > 0
          && proofs.includes(proofOf(link.name, from, own)))));
  }

  /** The first offer of a new connection. */
  private accept(said: Said, person: Person, old: Link | undefined): void {
    // Both began at once: the polite side gives its own up.
    if (old && said.facts?.isOffering && !person.polite && said.link !== undefined) return;
    for (const link of this.links.values()) {
      if (link.person.connectionId === said.from) this.close(link);
    }
    this.begin({ ...person, name: person.name ?? said.name }, said.link, false);
    this.effects.push({ do: 'take', key: this.count });
  }
}
