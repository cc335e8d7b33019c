import { configure, connect } from './configuration.js';
import { soundOf } from './media.js';
import { Data, SendQueue, checkData } from './sending.js';
import { Meter } from './stats.js';
import type { PeerInfo } from './types.js';

/** What peers say to each other through the server. */
export interface PeerMessage {
  type: 'offer' | 'answer' | 'ice_candidate' | 'usher.negotiation_failed';
  offer?: RTCSessionDescriptionInit;
  answer?: RTCSessionDescriptionInit;
  ice?: RTCIceCandidateInit | null;
  /** Names the connection between two pages; classic clients do not know of it. */
  link?: string;
  /** Of an offer that changes a connection which stands. */
  again?: boolean;
}

export interface PeerDelegate {
  /** What could not be done to begin a connection, or to change one. */
  onProblem(peer: { connectionId: string; peerId: string }, err: unknown): void;
  say(peer: Peer, message: PeerMessage): void;
  onState(peer: Peer): void;
  onSendChannel(peer: Peer, channel: RTCDataChannel): void;
  onReceiveChannel(peer: Peer, channel: RTCDataChannel): void;
  onTrack(peer: Peer, event: RTCTrackEvent): void;
  onTrackRemoved(peer: Peer, track: MediaStreamTrack): void;
  onMessage(peer: Peer, data: string | ArrayBuffer): void;
}

export interface PeerSetup {
  key: number;
  connectionId: string;
  peerId: string;
  name: string | null;
  /** Whether we give way when both make an offer at once. */
  polite: boolean;
  /** undefined for a classic client. */
  link: string | undefined;
  configuration: RTCConfiguration;
  stream: MediaStream | undefined;
  /** Kinds that we want to receive though we may send none. */
  receive: ('audio' | 'video')[];
}

const CHANNEL = 'usher';
const DISCONNECTED_MS = 4_000;
const RESTART_EVERY_MS = 8_000;
/** What every browser takes, where this one does not say more (RFC 8841 §6.1). */
const MESSAGE_MAX = 65_536;

/** One other page: its RTCPeerConnection, and perfect negotiation over it (W3C WebRTC §10.7). */
export class Peer {
  readonly key: number;
  readonly connection: RTCPeerConnection;
  readonly info: PeerInfo;
  polite: boolean;
  link: string | undefined;
  /** Whether an offer or answer of the other page has been applied. */
  hasHeard = false;
  isClosed = false;
  private isMakingOffer = false;
  private isIgnoringOffer = false;
  private isSettingAnswer = false;
  private hasOffered = false;
  readonly meter = new Meter();
  private readonly queue = new SendQueue(() => this.openChannel);
  private tracks: RTCTrackEvent[] = [];
  private readonly early: (RTCIceCandidateInit | null)[] = [];
  private last: Promise<void> = Promise.resolve();
  /** Of a shared screen's sound. */
  private sound: RTCRtpTransceiver | undefined;
  private restartTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(setup: PeerSetup, isOfferer: boolean, private readonly delegate: PeerDelegate) {
    const { connectionId, peerId, name } = setup;
    this.key = setup.key;
    this.polite = setup.polite;
    this.link = setup.link;
    this.info = {
      connectionId, peerId, name, state: 'new', sendChannel: null, receiveChannel: null,
      streams: [],
    };
    this.connection = connect(setup.configuration, (err) => this.report(err));
    try {
      this.listen();
      this.addTracks(setup, isOfferer);
      if (isOfferer) this.openSendChannel();
    } catch (err) {
      this.close();
      throw err;
    }
  }

  private get isClassic(): boolean {
    return this.link === undefined;
  }

  becomeClassic(): void {
    this.link = undefined;
  }

  private addTracks(setup: PeerSetup, isOfferer: boolean): void {
    const stream = setup.stream;
    for (const track of stream?.getTracks() ?? []) this.connection.addTrack(track, stream!);
    // Whoever answers can only fill in what was offered.
    for (const kind of isOfferer ? setup.receive : []) {
      const isThere = stream?.getTracks().some((track) => track.kind === kind);
      if (!isThere) this.connection.addTransceiver(kind, { direction: 'recvonly' });
    }
    if (stream) this.sendSound(stream);
  }

  private listen(): void {
    const connection = this.connection;
    connection.onnegotiationneeded = () => void this.offer();
    connection.onicecandidate = ({ candidate }) =>
      this.say({ type: 'ice_candidate', ice: candidate ? candidate.toJSON() : null });
    connection.onconnectionstatechange = () => this.onState();
    connection.ondatachannel = ({ channel }) => this.receive(channel);
    connection.ontrack = (event) => this.onTrack(event);
  }

  private say(message: PeerMessage): void {
    if (!this.isClosed) this.delegate.say(this, { ...message, link: this.link });
  }

  private report(err: unknown): void {
    if (!this.isClosed) this.delegate.onProblem(this.info, err);
  }

  // Negotiation

  private async offer(): Promise<void> {
    // Classic clients take one offer for each connection, and make none themselves.
    if (this.isClosed || (this.isClassic && (this.hasOffered || this.hasHeard))) return;
    this.isMakingOffer = true;
    try {
      await this.connection.setLocalDescription();
      const offer = this.connection.localDescription;
      if (this.connection.signalingState !== 'have-local-offer' || !offer) return;
      this.say({ type: 'offer', offer: offer.toJSON(), again: this.hasHeard });
      this.hasOffered = true;
    } catch (err) {
      this.report(err);
    } finally {
      this.isMakingOffer = false;
    }
  }

  /** Whether our own first offer is under way and nothing was heard yet. */
  get isOffering(): boolean {
    return !this.hasHeard && (this.hasOffered || this.isMakingOffer);
  }

  /** Whether an offer comes from the page that is at the other end already. */
  isOfSamePage(offer: RTCSessionDescriptionInit | undefined): boolean {
    const known = fingerprint(this.connection.remoteDescription);
    return known !== undefined && known === fingerprint(offer);
  }

  /** Its page is back in the room, under another connection id: what was said between is lost. */
  goOn(): void {
    for (const event of this.tracks) this.delegate.onTrack(this, event);
    const offer = this.connection.localDescription;
    if (offer && this.connection.signalingState === 'have-local-offer') {
      this.say({ type: 'offer', offer: offer.toJSON(), again: this.hasHeard });
    }
  }

  /** Takes a message of the other page. One after another, since each may wait. */
  take(message: PeerMessage): Promise<void> {
    this.last = this.last.then(() => this.handle(message)).catch((err) => {
      this.report(err);
      // Whoever made an offer waits for what comes of it.
      if (message.offer) this.say({ type: 'usher.negotiation_failed' });
    });
    return this.last;
  }

  private async handle(message: PeerMessage): Promise<void> {
    if (this.isClosed) return;
    if (message.type === 'ice_candidate') return this.addCandidate(message.ice ?? null);
    const description = message.offer ?? message.answer;
    if (description) await this.describe(description);
  }

  private async describe(description: RTCSessionDescriptionInit): Promise<void> {
    const connection = this.connection;
    const isOffer = description.type === 'offer';
    const isReady = !this.isMakingOffer
      && (connection.signalingState === 'stable' || this.isSettingAnswer);
    this.isIgnoringOffer = isOffer && !isReady && !this.polite;
    if (this.isIgnoringOffer) return;
    this.isSettingAnswer = !isOffer;
    try {
      await connection.setRemoteDescription(description);  // Rolls our own offer back if need be.
    } finally {
      this.isSettingAnswer = false;
    }
    this.hasHeard = true;
    for (const candidate of this.early.splice(0)) await this.addCandidate(candidate);
    if (!isOffer) return;
    if (!this.info.sendChannel && description.sdp?.includes('m=application')) {
      this.openSendChannel();
    }
    await connection.setLocalDescription();
    const answer = connection.localDescription;
    if (answer) this.say({ type: 'answer', answer: answer.toJSON() });
  }

  private async addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (!this.connection.remoteDescription) {
      this.early.push(candidate);
      return;
    }
    try {
      // Without an argument: there are no more (W3C WebRTC §4.4.2).
      await (candidate
        ? this.connection.addIceCandidate(candidate)
        : (this.connection.addIceCandidate as () => Promise<void>)());
    } catch (err) {
      // Of an offer that was ignored.
      if (!this.isIgnoringOffer) throw err;
    }
  }

  // The path

  private onState(): void {
    const state = this.connection.connectionState;
    this.info.state = state;
    clearTimeout(this.restartTimer);
    this.restartTimer = undefined;
    if (state === 'disconnected') this.restartLater(DISCONNECTED_MS);
    if (state === 'failed') this.restartLater(0);
    this.delegate.onState(this);
  }

  /** Looks for another path, and again until there is one or the peer is gone. */
  private restartLater(delayMs: number): void {
    if (this.isClassic) return;
    this.restartTimer = setTimeout(() => {
      this.restartIce();
      this.restartLater(RESTART_EVERY_MS);
    }, delayMs);
  }

  restartIce(): void {
    if (!this.isClosed) this.connection.restartIce();
  }

  configure(iceServers: RTCIceServer[]): void {
    if (this.isClosed) return;
    try {
      configure(this.connection, iceServers);
    } catch (err) {
      this.report(err);
    }
  }

  // Data

  private openSendChannel(): void {
    const channel = this.connection.createDataChannel(CHANNEL);
    channel.binaryType = 'arraybuffer';
    this.info.sendChannel = channel;
    channel.onopen = () => this.delegate.onSendChannel(this, channel);
    // Some classic clients answer on it.
    channel.addEventListener('message', ({ data }) => this.delegate.onMessage(this, data));
  }

  /** What is open towards the peer: our own channel, or else the one it has made. */
  get openChannel(): RTCDataChannel | undefined {
    return [this.info.sendChannel, this.info.receiveChannel]
      .find((channel) => channel?.readyState === 'open') ?? undefined;
  }

  /** @throws TypeError for what cannot be sent. */
  check(data: unknown): void {
    checkData(data, this.openChannel
      ? this.connection.sctp?.maxMessageSize ?? MESSAGE_MAX : undefined);
  }

  /** Whether the browser has taken it all. */
  sendData(data: Data): Promise<boolean> {
    return this.queue.push(data);
  }

  private receive(channel: RTCDataChannel): void {
    if (!this.info.receiveChannel || channel.label === CHANNEL) {
      this.info.receiveChannel = channel;
      channel.binaryType = 'arraybuffer';
      channel.addEventListener('message', ({ data }) => this.delegate.onMessage(this, data));
    }
    const opened = (): void => this.delegate.onReceiveChannel(this, channel);
    if (channel.readyState === 'open') opened();
    else channel.addEventListener('open', opened, { once: true });
  }

  // Media

  private onTrack(event: RTCTrackEvent): void {
    for (const stream of event.streams) {
      if (!this.info.streams.includes(stream)) this.info.streams.push(stream);
      stream.onremovetrack = ({ track }) => {
        if (!stream.getTracks().length) {
          this.info.streams = this.info.streams.filter((one) => one !== stream);
        }
        this.tracks = this.tracks.filter((one) => one.track !== track);
        this.delegate.onTrackRemoved(this, track);
      };
    }
    this.tracks = [...this.tracks.filter((one) => one.track !== event.track), event];
    this.delegate.onTrack(this, event);
  }

  /** Sends these tracks and no others from now on, without a new offer where that can be. */
  async send(stream: MediaStream): Promise<void> {
    if (this.isClosed) return;
    try {
      await this.sendTracks(stream);
    } catch (err) {
      this.report(err);
    }
  }

  private async sendTracks(stream: MediaStream): Promise<void> {
    this.sendSound(stream);
    for (const kind of ['audio', 'video'] as const) {
      const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
      const transceiver = this.transceiver(kind);
      if (transceiver) {
        await transceiver.sender.replaceTrack(track);
        if (!track || transceiver.direction.includes('send') || this.isClassic) continue;
        transceiver.sender.setStreams?.(stream);
        transceiver.direction = 'sendrecv';
      } else if (track && !this.isClassic) {
        this.connection.addTrack(track, stream);
      }
    }
  }

  private transceiver(kind: 'audio' | 'video'): RTCRtpTransceiver | undefined {
    return this.connection.getTransceivers().find((one) => one !== this.sound
      && one.receiver.track.kind === kind && one.currentDirection !== 'stopped');
  }

  /** A shared screen's sound, beside the microphone's. Classic clients take no further offer. */
  private sendSound(stream: MediaStream): void {
    if (this.isClassic) return;
    const sound = soundOf.get(stream) ?? null;
    if (this.sound) {
      void this.sound.sender.replaceTrack(sound).catch(() => undefined);
      this.sound.direction = sound ? 'sendrecv' : 'recvonly';
    } else if (sound) {
      this.sound = this.connection.addTransceiver(sound, { streams: [stream] });
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.restartTimer);
    const connection = this.connection;
    connection.onnegotiationneeded = connection.onicecandidate = null;
    connection.onconnectionstatechange = connection.ondatachannel = connection.ontrack = null;
    connection.close();
    this.info.state = 'closed';
  }
}

/** Of the certificate, which each RTCPeerConnection makes anew. */
function fingerprint(
  description: RTCSessionDescriptionInit | null | undefined,
): string | undefined {
  return String(description?.sdp).match(/^a=fingerprint:(.*)$/m)?.[1];
}
