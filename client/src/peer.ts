import { Create, useServers } from './configuration.js';
import { Kind, KINDS } from './media-ask.js';
import { checkData, sender } from './sending.js';
import { meter } from './stats.js';
import type { Emit, PeerInfo, WebRtcClientEvents } from './types.js';

/** Somebody in the room: the connection id is the server's word, all else a claim. */
export interface Person {
  connectionId: string;
  peerId: string;
  name: string | null;
  /** Whether we give way to it when both make an offer at once. */
  polite: boolean;
}

/** What peers say to each other through the server, of a connection between them. */
export interface PeerMessage {
  type: string;
  offer?: RTCSessionDescriptionInit;
  answer?: RTCSessionDescriptionInit;
  ice?: RTCIceCandidateInit | null;
  /** Names the connection between two pages; classic clients do not know of it. */
  link?: string;
  /** Of an offer that changes a connection which stands. */
  again?: boolean;
}

/** What the connections need of the client. */
export interface Host {
  readonly roomId: string;
  emit: Emit;
  /** Through the server. */
  tell(connectionId: string, payload: Record<string, unknown>): void;
  /** This page's own, where it is known: in v1. */
  connectionId(): string | undefined;
  create: Create;
  configuration(): RTCConfiguration;
  stream(): MediaStream | undefined;
  /** A shared screen's, which is sent beside the stream's own tracks. */
  sound(): MediaStreamTrack | undefined;
  /** Kinds that we want to receive though we may send none. */
  receive: readonly Kind[];
}

const CHANNEL = 'usher';
/** Of channels that say nothing but their protocol: who the page is that opens them. */
const HERE = 'usher.here';
const DISCONNECTED_MS = 4_000;
const RESTART_EVERY_MS = 8_000;
/** What every browser takes, where this one does not say more (RFC 8841 §6.1). */
const MESSAGE_MAX = 65_536;

/** One other page: its RTCPeerConnection, and perfect negotiation over it (W3C WebRTC §10.7). */
export class Peer {
  declare readonly connection: RTCPeerConnection;
  declare readonly info: PeerInfo;
  declare polite: boolean;
  /** Whether an offer or answer of the other page has been applied. */
  hasHeard = false;
  /** Runs while its page was not seen since the room was entered anew. */
  declare orphaned: ReturnType<typeof setTimeout> | undefined;
  /** The connection id that the other page says over the connection to be its own. */
  declare claim: string | undefined;
  /** Whether the browser has taken it all. */
  readonly send = sender(() => this.#channel);
  readonly stats = meter(() => this.connection);
  #isClosed = false;
  #isMakingOffer = false;
  #isIgnoringOffer = false;
  #hasOffered = false;
  #tracks: RTCTrackEvent[] = [];
  readonly #early: (RTCIceCandidateInit | null | undefined)[] = [];
  #last: Promise<unknown> = Promise.resolve();
  /** Of a shared screen's sound. */
  #sound: RTCRtpTransceiver | undefined;
  #restart: ReturnType<typeof setTimeout> | undefined;
  readonly #host: Host;

  /**
   * @param link The connection's name, which both pages know; undefined for a classic client.
   * @param onState Its state has changed.
   * @param onClaim The other page has said who it is.
   */
  constructor(
    host: Host, { connectionId, peerId, name, polite }: Person, public link: string | undefined,
    isOfferer: boolean, onState: () => void, private readonly onClaim: () => void,
  ) {
    this.#host = host;
    this.polite = polite;
    this.info = {
      connectionId, peerId, name, state: 'new', sendChannel: null, receiveChannel: null,
      streams: [],
    };
    const configuration = host.configuration();
    const connection = this.connection = useServers(host.create, configuration.iceServers!,
      (iceServers) => host.create({ ...configuration, iceServers }), (err) => this.#report(err));
    connection.onnegotiationneeded = () => void this.#offer();
    connection.onicecandidate = ({ candidate }) =>
      this.#say({ type: 'ice_candidate', ice: candidate });
    connection.onconnectionstatechange = () => {
      if (this.#isClosed) return;
      const state = this.info.state = connection.connectionState;
      clearTimeout(this.#restart);
      if (state === 'disconnected') this.#restartIn(DISCONNECTED_MS);
      if (state === 'failed') this.#restartIn(0);
      onState();
    };
    connection.ondatachannel = ({ channel }) => this.#receive(channel);
    connection.ontrack = (event) => this.#onTrack(event);
    try {
      this.#addTracks(isOfferer);
    } catch (err) {
      this.close();
      throw err;
    }
  }

  /** Tells the application of something that concerns this peer. */
  emit<Name extends keyof WebRtcClientEvents>(
    type: Name, more: Omit<WebRtcClientEvents[Name], 'connectionId' | 'peerId'>,
  ): void {
    const { connectionId, peerId } = this.info;
    this.#host.emit(type, { connectionId, peerId, ...more } as WebRtcClientEvents[Name]);
  }

  #addTracks(isOfferer: boolean): void {
    const stream = this.#host.stream();
    const tracks = stream?.getTracks() ?? [];
    for (const track of tracks) this.connection.addTrack(track, stream!);
    if (isOfferer) {
      // Whoever answers can only fill in what was offered.
      for (const kind of this.#host.receive) {
        if (tracks.some((track) => track.kind === kind)) continue;
        this.connection.addTransceiver(kind, { direction: 'recvonly' });
      }
    }
    if (stream) this.#sendSound(stream);
    if (isOfferer) this.#openSendChannel();
  }

  #say(message: PeerMessage): void {
    if (this.#isClosed) return;
    this.#host.tell(this.info.connectionId, { ...message, link: this.link });
  }

  #report(err: unknown): void {
    if (!this.#isClosed) this.emit('negotiationFailed', { err });
  }

  // Negotiation

  async #offer(): Promise<void> {
    // Classic clients take one offer for each connection, and make none themselves.
    if (this.#isClosed || (!this.link && (this.#hasOffered || this.hasHeard))) return;
    this.#isMakingOffer = true;
    try {
      await this.connection.setLocalDescription();
      this.#sayOffer();
    } catch (err) {
      this.#report(err);
    } finally {
      this.#isMakingOffer = false;
    }
  }

  #sayOffer(): void {
    const { signalingState, localDescription: offer } = this.connection;
    if (signalingState !== 'have-local-offer') return;
    this.#say({ type: 'offer', offer: offer!, again: this.hasHeard });
    this.#hasOffered = true;
  }

  /** Whether our own first offer is under way and nothing was heard yet. */
  get isOffering(): boolean {
    return !this.hasHeard && (this.#hasOffered || this.#isMakingOffer);
  }

  /** Whether an offer comes from the page that is at the other end already. */
  isOfSamePage(offer: RTCSessionDescriptionInit | undefined): boolean {
    const known = fingerprint(this.connection.remoteDescription);
    return !!known && known === fingerprint(offer);
  }

  /** Says to the other page alone who we are: nobody else has the keys of this connection. */
  announce(connectionId: string): void {
    try {
      const channel = this.connection.createDataChannel(HERE, { protocol: connectionId });
      channel.onopen = () => channel.close();
    } catch {
      // It carries nothing any more, and is begun anew.
    }
  }

  /** Its page is back in the room, under another connection id: what was said between is lost. */
  goOn(): void {
    for (const event of this.#tracks) this.emit('trackAdded', { event });
    this.#sayOffer();
  }

  /** Takes a message of the other page. One after another, since each may wait. */
  take({ type, offer, answer, ice }: PeerMessage): void {
    const description = offer ?? answer;
    this.#last = this.#last.then(() => {
      if (this.#isClosed) return;
      if (type === 'ice_candidate') return this.#addCandidate(ice);
      return description && this.#describe(description);
    }).catch((err) => {
      this.#report(err);
      // Whoever made an offer waits for what comes of it.
      if (offer) this.#say({ type: 'usher.negotiation_failed' });
    });
  }

  async #describe(description: RTCSessionDescriptionInit): Promise<void> {
    const { connection } = this;
    const isOffer = description.type === 'offer';
    const isReady = !this.#isMakingOffer && connection.signalingState === 'stable';
    this.#isIgnoringOffer = isOffer && !isReady && !this.polite;
    if (this.#isIgnoringOffer) return;
    await connection.setRemoteDescription(description);  // Rolls our own offer back if need be.
    this.hasHeard = true;
    for (const candidate of this.#early.splice(0)) await this.#addCandidate(candidate);
    if (!isOffer) return;
    const hasData = description.sdp?.includes('m=application');
    if (hasData && !this.info.sendChannel) this.#openSendChannel();
    await connection.setLocalDescription();
    this.#say({ type: 'answer', answer: connection.localDescription! });
  }

  async #addCandidate(candidate: RTCIceCandidateInit | null | undefined): Promise<void> {
    if (!this.connection.remoteDescription) {
      this.#early.push(candidate);
      return;
    }
    try {
      // Without one: there are no more (W3C WebRTC §4.4.2).
      await this.connection.addIceCandidate(candidate ?? undefined);
    } catch (err) {
      // Of an offer that was ignored.
      if (!this.#isIgnoringOffer) throw err;
    }
  }

  // The path

  /** Looks for another path, and again until there is one or the peer is gone. */
  #restartIn(delayMs: number): void {
    if (!this.link) return;
    this.#restart = setTimeout(() => {
      // What has failed above the path no other path mends: both begin anew.
      if (delayMs === RESTART_EVERY_MS && this.connection.sctp?.transport.state === 'failed') {
        this.#say({ type: 'link_lost' });
      } else {
        this.connection.restartIce();
      }
      this.#restartIn(RESTART_EVERY_MS);
    }, delayMs);
  }

  configure(servers: RTCIceServer[]): void {
    try {
      useServers(this.#host.create, servers, (iceServers) => this.connection.setConfiguration(
        { ...this.connection.getConfiguration(), iceServers }));
    } catch (err) {
      this.#report(err);
    }
  }

  // Data

  #openSendChannel(): void {
    const channel = this.info.sendChannel = this.connection.createDataChannel(CHANNEL);
    channel.onopen = () => this.emit('sendChannelOpen', { sendChannel: channel });
    this.#listen(channel);  // Some classic clients answer on it.
  }

  #listen(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', ({ data }) => this.emit('message', { data }));
  }

  /** What is open towards the peer: our own channel, or else the one it has made. */
  get #channel(): RTCDataChannel | undefined {
    const { sendChannel, receiveChannel } = this.info;
    return [sendChannel, receiveChannel].find((one) => one?.readyState === 'open') as
      RTCDataChannel | undefined;
  }

  /** @throws TypeError for what cannot be sent. */
  check(data: unknown): void {
    checkData(data, this.#channel && (this.connection.sctp?.maxMessageSize ?? MESSAGE_MAX));
  }

  #receive(channel: RTCDataChannel): void {
    if (channel.label === HERE) {
      this.claim = channel.protocol;
      return this.onClaim();
    }
    if (!this.info.receiveChannel || channel.label === CHANNEL) {
      this.info.receiveChannel = channel;
      this.#listen(channel);
    }
    const opened = (): void => this.emit('receiveChannelOpen', { receiveChannel: channel });
    if (channel.readyState === 'open') opened();
    else channel.addEventListener('open', opened, { once: true });
  }

  // Media

  #onTrack(event: RTCTrackEvent): void {
    const without = (track: MediaStreamTrack): RTCTrackEvent[] =>
      this.#tracks.filter((one) => one.track !== track);
    const change = (tracks: RTCTrackEvent[]): void => {
      this.#tracks = tracks;
      this.info.streams = [...new Set(tracks.flatMap(({ streams }) => streams))];
    };
    for (const stream of event.streams) {
      stream.onremovetrack = ({ track }) => {
        change(without(track));
        this.emit('trackRemoved', { track });
      };
    }
    change([...without(event.track), event]);
    this.emit('trackAdded', { event });
  }

  /** Sends these tracks and no others from now on, without a new offer where that can be. */
  async sendStream(stream: MediaStream): Promise<void> {
    try {
      this.#sendSound(stream);
      for (const kind of KINDS) {
        const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
        const transceiver = this.connection.getTransceivers().find((one) => one !== this.#sound
          && one.receiver.track.kind === kind && one.currentDirection !== 'stopped');
        await transceiver?.sender.replaceTrack(track);
        if (!track || !this.link) continue;
        if (!transceiver) {
          this.connection.addTrack(track, stream);
        } else if (!transceiver.direction.includes('send')) {
          transceiver.sender.setStreams?.(stream);
          transceiver.direction = 'sendrecv';
        }
      }
    } catch (err) {
      this.#report(err);
    }
  }

  /** A shared screen's sound, beside the microphone's. Classic clients take no further offer. */
  #sendSound(stream: MediaStream): void {
    if (!this.link) return;
    const sound = this.#host.sound() ?? null;
    if (this.#sound) {
      void this.#sound.sender.replaceTrack(sound).catch(() => undefined);
      this.#sound.direction = sound ? 'sendrecv' : 'recvonly';
    } else if (sound) {
      this.#sound = this.connection.addTransceiver(sound, { streams: [stream] });
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.orphaned);
    clearTimeout(this.#restart);
    this.connection.close();
    this.info.state = 'closed';
  }
}

/** Of the certificate, which each RTCPeerConnection makes anew. */
export function fingerprint(
  description: RTCSessionDescriptionInit | null | undefined,
): string | undefined {
  return String(description?.sdp).match(/^a=fingerprint:(.*)$/m)?.[1];
}
