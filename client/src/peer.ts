import type { PeerInfo } from './types';

/** What peers say to each other through the server. */
export interface PeerMessage {
  type: 'offer' | 'answer' | 'ice_candidate' | 'link_check' | 'link_lost';
  offer?: RTCSessionDescriptionInit;
  answer?: RTCSessionDescriptionInit;
  ice?: RTCIceCandidateInit | null;
  /** Names the connection between two pages; classic clients do not know of it. */
  link?: string;
  /** Of an offer that changes a connection which stands. */
  again?: boolean;
}

export interface PeerDelegate {
  say(peer: Peer, message: PeerMessage): void;
  onState(peer: Peer): void;
  onSendChannel(peer: Peer, channel: RTCDataChannel): void;
  onReceiveChannel(peer: Peer, channel: RTCDataChannel): void;
  onTrack(peer: Peer, event: RTCTrackEvent): void;
  onTrackRemoved(peer: Peer, track: MediaStreamTrack): void;
  onMessage(peer: Peer, data: string | ArrayBuffer): void;
}

export interface PeerSetup {
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

/** One other page: its RTCPeerConnection, and perfect negotiation over it (W3C WebRTC §10.7). */
export class Peer {
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
  private readonly early: (RTCIceCandidateInit | null)[] = [];
  private last: Promise<void> = Promise.resolve();
  private restartTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(setup: PeerSetup, isOfferer: boolean, private readonly delegate: PeerDelegate) {
    const { connectionId, peerId, name } = setup;
    this.polite = setup.polite;
    this.link = setup.link;
    this.info = {
      connectionId, peerId, name, state: 'new', sendChannel: null, receiveChannel: null,
      streams: [],
    };
    this.connection = new RTCPeerConnection(setup.configuration);
    this.listen();
    this.addTracks(setup, isOfferer);
    if (isOfferer) this.openSendChannel();
  }

  private get isClassic(): boolean {
    return this.link === undefined;
  }

  private addTracks(setup: PeerSetup, isOfferer: boolean): void {
    const stream = setup.stream;
    for (const track of stream?.getTracks() ?? []) this.connection.addTrack(track, stream!);
    if (!isOfferer) return;
    // Whoever answers can only fill in what was offered.
    for (const kind of setup.receive) {
      const isThere = stream?.getTracks().some((track) => track.kind === kind);
      if (!isThere) this.connection.addTransceiver(kind, { direction: 'recvonly' });
    }
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
    } catch {
      // Closed meanwhile, or the other side's offer came first.
    } finally {
      this.isMakingOffer = false;
    }
  }

  /** Whether our own first offer is under way and nothing was heard yet. */
  get isOffering(): boolean {
    return !this.hasHeard && (this.hasOffered || this.isMakingOffer);
  }

  /** Whether an offer comes from the page that is at the other end already. */
  isOfSamePage(offer: RTCSessionDescriptionInit): boolean {
    const known = fingerprint(this.connection.remoteDescription?.sdp);
    return known !== undefined && known === fingerprint(offer.sdp);
  }

  /** Takes a message of the other page. One after another, since each may wait. */
  take(message: PeerMessage): Promise<void> {
    this.last = this.last.then(() => this.handle(message)).catch(() => {
      // A description that does not fit, or a connection that was closed meanwhile: the state of
      // the connection tells the rest.
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
    } catch {
      // Of an offer that was ignored, or of an ICE generation that is over.
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

  configure(configuration: RTCConfiguration): void {
    if (this.isClosed) return;
    try {
      this.connection.setConfiguration({ ...this.connection.getConfiguration(), ...configuration });
    } catch {
      // A server's URL that this browser does not know: the connection goes on with those it has.
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
        this.delegate.onTrackRemoved(this, track);
      };
    }
    this.delegate.onTrack(this, event);
  }

  /** Sends these tracks and no others from now on, without a new offer where that can be. */
  async send(stream: MediaStream): Promise<void> {
    if (this.isClosed) return;
    for (const kind of ['audio', 'video'] as const) {
      const track = stream.getTracks().find((one) => one.kind === kind) ?? null;
      const transceiver = this.transceiver(kind);
      if (transceiver) {
        await transceiver.sender.replaceTrack(track).catch(() => undefined);
        if (!track || transceiver.direction.includes('send') || this.isClassic) continue;
        transceiver.sender.setStreams?.(stream);
        transceiver.direction = 'sendrecv';
      } else if (track && !this.isClassic) {
        this.connection.addTrack(track, stream);
      }
    }
  }

  private transceiver(kind: 'audio' | 'video'): RTCRtpTransceiver | undefined {
    return this.connection.getTransceivers().find((one) =>
      one.receiver.track.kind === kind && one.currentDirection !== 'stopped');
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
function fingerprint(sdp: string | undefined): string | undefined {
  return sdp?.match(/^a=fingerprint:(.*)$/m)?.[1];
}
