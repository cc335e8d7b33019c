import { Address } from './address.js';
import { explain } from './codes.js';
import { Emitter } from './emitter.js';
import { randomID } from './id.js';
import { LocalMedia } from './media.js';
import { Mesh } from './mesh.js';
import { joiningName, nameOf } from './name.js';
import type { Host, Person } from './peer.js';
import { playback } from './playback.js';
import { IceServers, iceServers } from './ice.js';
import { checkOptions, checkPlatform } from './options.js';
import { Ready } from './ready.js';
import { Data, checkData } from './sending.js';
import { SignalSocket, SocketDelegate } from './socket.js';
import { SessionStore } from './store.js';
import { GetToken, sessionToken, tidy } from './token.js';
import type {
  ClientState, Dialect, Emit, EventName, Listener, PeerInfo, PeerStats, WebRtcClientEvents,
  WebRtcClientOptions,
} from './types.js';

type Json = Record<string, unknown>;
type Kind = 'audio' | 'video';

/**
 * A page in a room: connects to the signalling server, and to every other page in the room.
 *
 * It begins by itself once the code that made it has run, so add listeners at once.
 */
export class WebRtcClient {
  /** By which other pages know this one. */
  readonly id: string;
  readonly roomId: string;
  /** RTCPeerConnections by connection id, and by peer id where no other has it. */
  readonly peerConnections: Record<string, RTCPeerConnection>;
  /** What is known of each peer, by connection id, and by peer id where no other has it. */
  readonly peerInfo: Record<string, PeerInfo>;
  /** The server's name for this page's connection; undefined until it is connected with v1. */
  connectionId: string | undefined;
  /** undefined until a connection stands. */
  dialect: Dialect | undefined;
  /**
   * Until the client is in its room for the first time. Rejects with an Error that has `code` where
   * it gives up before, or is closed.
   */
  readonly ready: Promise<void>;

  private readonly entry = new Ready();
  private readonly emitter = new Emitter();
  private readonly socket: SignalSocket;
  private readonly mesh: Mesh;
  private readonly media: LocalMedia;
  private readonly playback = playback(
    () => this.mesh.all.flatMap((peer) => peer.info.streams),
    () => this.emit('audioPlaybackBlocked', {}));
  private readonly ice: IceServers;
  private readonly store: SessionStore | undefined;
  private isResumedPage = false;

  /** @throws TypeError for an option that cannot be right, by its name, and without WebRTC. */
  constructor(private readonly options: WebRtcClientOptions) {
    checkOptions(options);
    checkPlatform(options.globals);
    this.roomId = options.sessionId;
    this.ready = this.entry.promise;
    const keep = options.keepSession;
    this.store = keep
      ? new SessionStore(typeof keep === 'string' ? keep : options.sessionId) : undefined;
    const kept = this.store?.take();
    this.id = options.id ?? kept?.id ?? randomID();
    const address = new Address(options.signallingServer);
    const source: GetToken = options.getToken
      ?? sessionToken(address, options.sessionId, options.clientId);
    const getToken = async (): Promise<string> => tidy(await source());
    this.ice = iceServers(address, getToken, options.iceServers ?? [], (servers) => {
      for (const peer of this.mesh.all) peer.configure(servers);
    });
    const emit: Emit = (type, detail) => this.emitter.emit(type, detail);
    this.media = new LocalMedia(options, emit, (el) => void this.playback.play(el));
    this.mesh = new Mesh(this.host(emit));
    this.addEventListener('localStream', ({ detail }) => {
      for (const peer of this.mesh.all) void peer.sendStream(detail.stream);
    });
    this.addEventListener('trackAdded', ({ detail }) => this.playback.watch(detail.event.track));
    this.peerConnections = this.mesh.peerConnections;
    this.peerInfo = this.mesh.peerInfo;
    this.socket = new SignalSocket({
      address, clientId: options.clientId, room: options.sessionId, getToken,
      dialect: options.dialect ?? 'v1', WebSocket: options.globals?.WebSocket,
    }, this.socketDelegate());
    globalThis.addEventListener?.('pagehide', this.onPageHide);
    const isMine = kept && kept.id === this.id;
    this.isResumedPage = Boolean(isMine);
    // Listeners are added behind the constructor.
    void Promise.resolve().then(() => this.start(isMine ? kept : undefined));
  }

  private async start(kept: { session: string; seq: number } | undefined): Promise<void> {
    // First, so that the first offer bears what there is to send.
    await this.media.open(this.options.joinWithoutMediaAfterMs ?? 5000);
    if (this.state !== 'closed' && !this.isClosed) this.socket.start(kept);
  }

  private isClosed = false;

  get state(): ClientState {
    return this.isClosed ? 'closed' : this.socket.state;
  }

  /** What is sent: camera or screen, and microphone; undefined while there is nothing. */
  get localStream(): MediaStream | undefined {
    return this.media.stream;
  }

  get isSharing(): boolean {
    return this.media.isSharing;
  }

  // Events

  addEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void {
    this.emitter.add(type, listener);
  }

  removeEventListener<Name extends EventName>(type: Name, listener: Listener<Name>): void {
    this.emitter.remove(type, listener);
  }

  private emit<Name extends EventName>(type: Name, detail: WebRtcClientEvents[Name]): void {
    this.emitter.emit(type, detail);
  }

  // Data

  /**
   * Sends to one peer over its data channel, in order. Whoever sends much waits for each promise,
   * so that no memory fills: it comes when at most 1 MiB was waiting in the browser.
   *
   * @param peerId Connection id or peer id.
   * @returns whether the browser has taken it all; false where there is no open channel to it.
   * @throws TypeError for what cannot be sent to it: too long, or neither text nor bytes.
   */
  send(peerId: string, data: Data): Promise<boolean> {
    const peer = this.mesh.find(peerId);
    if (!peer) checkData(data);
    peer?.check(data);
    return peer?.send(data) ?? Promise.resolve(false);
  }

  /**
   * Sends to every peer, as `send` does to one.
   *
   * @returns to how many.
   * @throws TypeError for what cannot be sent to each: then nobody gets it.
   */
  broadcast(data: Data): Promise<number> {
    checkData(data);
    const peers = this.mesh.all;
    for (const peer of peers) peer.check(data);
    return Promise.all(peers.map((peer) => peer.send(data)))
      .then((sent) => sent.filter(Boolean).length);
  }

  /** Sends a payload of your own through the server, where no data channel stands yet. */
  signal(peerId: string, payload: Json & { type?: string }): void {
    const target = this.mesh.find(peerId)?.info.connectionId ?? peerId;
    this.socket.say({ action: 'send-payload', target, payload });
  }

  // Media

  /**
   * Turns own tracks on and off: all of them, or those of one kind; without a value, the other way.
   *
   * @returns whether they are on now.
   */
  toggleTracks(kind?: Kind | { audio?: boolean; video?: boolean }, enabled?: boolean): boolean {
    if (typeof kind !== 'object') {
      return this.media.toggle(kind ? [kind] : ['audio', 'video'], enabled);
    }
    return (['audio', 'video'] as const).map((one) => {
      const wanted = kind[one];
      return wanted === undefined ? false : this.media.toggle([one], wanted);
    }).some(Boolean);
  }

  /** Off lets go of the client's own camera; of an application's it disables the track. */
  setCameraEnabled(on: boolean): Promise<boolean> {
    return this.media.enable('video', on);
  }

  /** Off mutes it. @returns whether it is on now; `mediaProblem` says why it is not. */
  setMicrophoneEnabled(on: boolean): Promise<boolean> {
    return this.media.enable('audio', on);
  }

  /** Plays a peer's stream in any element; `null` ends it. @returns whether it plays. */
  attach(el: HTMLMediaElement, stream: MediaStream | null): Promise<boolean> {
    return this.playback.attach(el, stream);
  }

  /** Plays what the browser has blocked; to be called in a click or key press. */
  startAudio(): Promise<boolean> {
    return this.playback.start();
  }

  /** Sends a screen in place of the camera, and its sound. Rejects where the user refuses. */
  shareScreen(stream?: MediaStream): Promise<MediaStream> {
    return this.media.shareScreen(stream);
  }

  stopScreenShare(): void {
    this.media.stopSharing();
  }

  /** Uses these devices from now on; `null` gives one up. Rejects as `getUserMedia` does. */
  setDevices(ids: {
    audioDeviceId?: string | null; videoDeviceId?: string | null;
  }): Promise<void> {
    return this.media.setDevices(ids);
  }

  /** Sends another stream's tracks from now on. */
  setStream(stream: MediaStream): void {
    this.media.setStream(stream);
  }

  // The path

  /** Figures about the connection with a peer; undefined where there is none. */
  async stats(peerId: string): Promise<PeerStats | undefined> {
    return this.mesh.find(peerId)?.stats();
  }

  /** Looks for another path to one peer, or to all. */
  restartIce(peerId?: string): void {
    const peers = peerId === undefined ? this.mesh.all : [this.mesh.find(peerId)];
    for (const peer of peers) peer?.restartIce();
  }

  /** Leaves for good. What the client opened is closed; no event comes after. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    globalThis.removeEventListener?.('pagehide', this.onPageHide);
    this.emitter.close();
    this.socket.close();
    this.entry.reject('closed', explain('closed'));
    this.end();
  }

  private end(): void {
    // The secret of a session that is over is of no use to the next page.
    this.store?.take();
    this.ice.close();
    this.mesh.close();
    this.media.close();
  }

  /** Either the page comes back and goes on, or the others are told at once that it is gone. */
  private readonly onPageHide = (event: PageTransitionEvent): void => {
    const { session, seq } = this.socket;
    if (this.store && session) this.store.put({ id: this.id, session, seq });
    else if (!this.store && !event.persisted) this.close();
  };

  // The room

  private join(): void {
    const name = joiningName(this.options.name, this.dialect);
    this.socket.say({ action: 'join-room', roomId: this.roomId, name, id: this.id });
  }

  private onEvent(type: string, data: Json): void {
    // In classic nobody says that we are in the room, but what is heard comes from there.
    if (type === 'room_state' || type === 'first_to_join' || this.dialect === 'classic') {
      this.entry.resolve();
    }
    switch (type) {
      case 'first_to_join':
        return this.emit('first_to_join', data as WebRtcClientEvents['first_to_join']);
      case 'someone_joined': {
        const joined = data as WebRtcClientEvents['someone_joined'];
        this.mesh.welcome(joined);
        return this.emit('someone_joined', joined);
      }
      case 'room_state': return this.onRoomState(data);
      case 'someone_left': {
        const left = data as WebRtcClientEvents['someone_left'];
        this.mesh.leave(left.connectionId);
        return this.emit('someone_left', left);
      }
      default: {
        if (this.mesh.take(type, data)) return;
        const { connectionId, ...payload } = data;
        this.emit('signal', { connectionId: String(connectionId), type, payload });
      }
    }
  }

  private onRoomState(data: Json): void {
    const members = data.members as Person[];
    for (const member of members) this.mesh.meet(member, this.isResumedPage);
    this.isResumedPage = false;
    this.emit('room_state', { roomId: String(data.roomId), members });
  }

  // What the parts report

  private socketDelegate(): SocketDelegate {
    return {
      onFresh: (welcome) => {
        this.dialect = welcome ? 'v1' : 'classic';
        this.connectionId = welcome?.connectionId;
        this.isResumedPage = false;
        this.join();
        this.mesh.uproot();
      },
      onResumed: (connectionId) => {
        this.dialect = 'v1';
        this.connectionId = connectionId;
        // It may have gone before it was in the room; to join again changes nothing.
        if (this.isResumedPage) this.join();
        this.emit('resumed', { connectionId });
      },
      onWelcome: (welcome) => this.ice.learn(welcome),
      onEvent: ({ name, data }) => this.onEvent(name, data),
      onState: (state) => {
        if (state === 'closed' && !this.isClosed) {
          this.isClosed = true;
          globalThis.removeEventListener?.('pagehide', this.onPageHide);
          // After the event that says why.
          queueMicrotask(() => this.end());
        }
      },
      onOpen: (dialect) => this.emit('socketOpen', { dialect }),
      onClosed: (closed) => this.emit('socketClosed', closed),
      onProblem: (problem) => {
        if (problem.final) this.entry.reject(problem.code, problem.message);
        this.emit('socketError', problem);
      },
      onReconnecting: (attempt, delayMs) => this.emit('reconnecting', { attempt, delayMs }),
    };
  }

  private host(emit: Emit): Host {
    const { options } = this;
    return {
      emit,
      roomId: this.roomId,
      connectionId: () => this.connectionId,
      create: (configuration) =>
        new (options.globals?.RTCPeerConnection ?? RTCPeerConnection)(configuration),
      configuration: () => ({
        iceServers: this.ice.servers(), iceTransportPolicy: options.iceTransportPolicy ?? 'all',
      }),
      stream: () => this.media.stream,
      sound: () => this.media.sound,
      receive: options.video || options.stream ? ['audio', 'video'] : [],
      tell: (target, payload) => this.socket.say({
        action: 'send-payload', target,
        payload: { ...payload, offererId: this.id, name: nameOf(options.name) },
      }),
    };
  }
}
