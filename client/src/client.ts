import { problemOf } from './codes.js';
import { clientState } from './socket-state.js';
import { tokens } from './token.js';
import { putSession, takeSession } from './store.js';
import { Address } from './address.js';
import { Emitter } from './emitter.js';
import { randomID } from './id.js';
import { LocalMedia } from './media.js';
import { Kind, KINDS } from './media-ask.js';
import { Mesh } from './mesh.js';
import type { Host, Person } from './peer.js';
import { playback } from './playback.js';
import { IceServers, iceServers } from './ice.js';
import { checkOptions, checkPlatform } from './options.js';
import { Data, checkData } from './sending.js';
import { SignalSocket, SocketDelegate } from './socket.js';
import type {
  ClientState, Dialect, PeerInfo, PeerStats, SocketProblem, WebRtcClientEvents,
  WebRtcClientOptions,
} from './types.js';

type Json = Record<string, unknown>;

/** So many messages may wait for the server before the application's are refused. */
const WAITING_MAX = 4_096;

/**
 * A page in a room: connects to the signalling server, and to every other page in the room.
 *
 * It begins by itself once the code that made it has run, so add listeners at once.
 */
export class WebRtcClient extends Emitter {
  // `declare`, here and elsewhere: until it is set it needs no code.
  /** By which other pages know this one. */
  declare readonly id: string;
  declare readonly roomId: string;
  /** RTCPeerConnections by connection id, and by peer id where no other has it. */
  declare readonly peerConnections: Record<string, RTCPeerConnection>;
  /** What is known of each peer, by connection id, and by peer id where no other has it. */
  declare readonly peerInfo: Record<string, PeerInfo>;
  /** The server's name for this page's connection; undefined until it is connected with v1. */
  declare connectionId: string | undefined;
  /** undefined until a connection stands. */
  declare dialect: Dialect | undefined;
  #enter!: () => void;
  #refuse!: (problem: Pick<SocketProblem, 'code' | 'message'>) => void;

  /**
   * Until the client is in its room for the first time. Rejects with an Error that has `code` where
   * it gives up before, or is closed.
   */
  readonly ready = new Promise<void>((resolve, reject) => {
    this.#enter = resolve;
    this.#refuse = ({ code, message }) => reject(Object.assign(new Error(message), { code }));
  });

  readonly #options: WebRtcClientOptions;
  readonly #socket: SignalSocket;
  readonly #mesh: Mesh;
  readonly #media: LocalMedia;
  readonly #playback = playback(
    () => this.#mesh.all.flatMap((peer) => peer.info.streams),
    () => this.emit('audioPlaybackBlocked', {}));
  readonly #ice: IceServers;
  /** Under which the session is kept over a reload. */
  readonly #keepAs: string | false | undefined;
  #isResumedPage = false;
  #isClosed = false;

  /** @throws TypeError for an option that cannot be right, by its name, and without WebRTC. */
  constructor(options: WebRtcClientOptions) {
    super();
    checkOptions(options);
    checkPlatform(options.globals);
    const { sessionId, keepSession } = options;
    this.#options = options;
    this.roomId = sessionId;
    // Nobody need wait for it.
    this.ready.catch(() => undefined);
    this.#keepAs = keepSession === true ? sessionId : keepSession;
    const kept = takeSession(this.#keepAs);
    this.id = options.id ?? kept?.id ?? randomID();
    const address = new Address(options.signallingServer);
    const getToken = tokens(options, address);
    this.#ice = iceServers(address, getToken, options.iceServers ?? [], (servers) => {
      for (const peer of this.#mesh.all) peer.configure(servers);
    });
    this.#media = new LocalMedia(options, this.emit, (el) => void this.#playback.play(el));
    this.#mesh = new Mesh(this.#host());
    this.peerConnections = this.#mesh.peerConnections;
    this.peerInfo = this.#mesh.peerInfo;
    this.#socket = new SignalSocket(address, options, getToken, this.#socketDelegate());
    this.addEventListener('localStream', ({ detail }) => {
      for (const peer of this.#mesh.all) void peer.sendStream(detail.stream);
    });
    this.addEventListener('resumed', ({ detail }) => {
      this.dialect = 'v1';
      this.connectionId = detail.connectionId;
      // It may have gone before it was in the room; to join again changes nothing.
      if (this.#isResumedPage) this.#join();
    });
    this.addEventListener('trackAdded', ({ detail }) => this.#playback.watch(detail.event.track));
    this.addEventListener('socketError', ({ detail }) => {
      if (detail.final) this.#refuse(detail);
    });
    globalThis.addEventListener?.('pagehide', this.#onPageHide);
    this.#isResumedPage = kept?.id === this.id;
    void this.#start(this.#isResumedPage ? kept : null);
  }

  async #start(kept: { session: string; seq: number } | null): Promise<void> {
    // First, so that the first offer bears what there is to send; listeners are added meanwhile.
    await this.#media.open(this.#options.joinWithoutMediaAfterMs ?? 5000);
    if (!this.#isClosed) this.#socket.start(kept?.session, kept?.seq);
  }

  get state(): ClientState {
    return this.#isClosed ? 'closed' : clientState(this.#socket.now);
  }

  /** What is sent: camera or screen, and microphone; undefined while there is nothing. */
  get localStream(): MediaStream | undefined {
    return this.#media.stream;
  }

  get isSharing(): boolean {
    return this.#media.isSharing;
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
    const peer = this.#mesh.find(peerId);
    if (peer) peer.check(data);
    else checkData(data);
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
    const peers = this.#mesh.all;
    for (const peer of peers) peer.check(data);
    return Promise.all(peers.map((peer) => peer.send(data)))
      .then((sent) => sent.filter(Boolean).length);
  }

  /** Sends a payload of your own through the server, where no data channel stands yet. */
  signal(peerId: string, payload: Json & { type?: string }): void {
    const target = this.#mesh.find(peerId)?.info.connectionId ?? peerId;
    this.#socket.say({ action: 'send-payload', target, payload }, WAITING_MAX);
  }

  // Media

  /**
   * Turns own tracks on and off: all of them, or those of one kind; without a value, the other way.
   *
   * @returns whether they are on now.
   */
  toggleTracks(kind?: Kind | { audio?: boolean; video?: boolean }, enabled?: boolean): boolean {
    return typeof kind === 'object'
      ? Object.entries(kind).map(([one, on]) => on !== undefined
        && this.#media.toggle([one as Kind], on)).some(Boolean)
      : this.#media.toggle(kind ? [kind] : KINDS, enabled);
  }

  /** Off lets go of the client's own camera; of an application's it disables the track. */
  setCameraEnabled(on: boolean): Promise<boolean> {
    return this.#media.enable('video', on);
  }

  /** Off mutes it. @returns whether it is on now; `mediaProblem` says why it is not. */
  setMicrophoneEnabled(on: boolean): Promise<boolean> {
    return this.#media.enable('audio', on);
  }

  /** Plays a peer's stream in any element; `null` ends it. @returns whether it plays. */
  attach(el: HTMLMediaElement, stream: MediaStream | null): Promise<boolean> {
    return this.#playback.attach(el, stream);
  }

  /** Plays what the browser has blocked; to be called in a click or key press. */
  startAudio(): Promise<boolean> {
    return this.#playback.start();
  }

  /** Sends a screen in place of the camera, and its sound. Rejects where the user refuses. */
  shareScreen(stream?: MediaStream): Promise<MediaStream> {
    return this.#media.shareScreen(stream);
  }

  stopScreenShare(): void {
    this.#media.stopSharing();
  }

  /** Uses these devices from now on; `null` gives one up. Rejects as `getUserMedia` does. */
  setDevices(ids: {
    audioDeviceId?: string | null; videoDeviceId?: string | null;
  }): Promise<void> {
    return this.#media.setDevices(ids);
  }

  /** Sends another stream's tracks from now on. */
  setStream(stream: MediaStream): void {
    this.#media.setStream(stream);
  }

  // The path

  /** Figures about the connection with a peer; undefined where there is none. */
  async stats(peerId: string): Promise<PeerStats | undefined> {
    return this.#mesh.find(peerId)?.stats();
  }

  /** Looks for another path to one peer, or to all. */
  restartIce(peerId?: string): void {
    const peers = peerId === undefined ? this.#mesh.all : [this.#mesh.find(peerId)];
    for (const peer of peers) peer?.connection.restartIce();
  }

  /** Leaves for good. What the client opened is closed; no event comes after. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.isSilent = true;
    this.#socket.close();
    this.#refuse(problemOf({ code: 'closed' }));
    this.#end();
  }

  #end(): void {
    globalThis.removeEventListener?.('pagehide', this.#onPageHide);
    // The secret of a session that is over is of no use to the next page.
    takeSession(this.#keepAs);
    this.#ice.close();
    this.#mesh.close();
    this.#media.close();
  }

  /** Either the page comes back and goes on, or the others are told at once that it is gone. */
  readonly #onPageHide = ({ persisted }: PageTransitionEvent): void => {
    const { session, seq } = this.#socket.now;
    if (!this.#keepAs) persisted || this.close();
    else if (session) putSession(this.#keepAs, { id: this.id, session, seq });
  };

  // The room

  #join(): void {
    // In v1 there must be one.
    const name = this.#options.name || (this.dialect === 'v1' ? 'Guest' : '');
    this.#socket.say({ action: 'join-room', roomId: this.roomId, name, id: this.id });
  }

  readonly #onEvent = (type: string, data: Json, isNew: boolean): void => {
    // What is repeated may tell of the page before a reload. Nobody says in classic that we are in
    // the room, but what is heard comes from there.
    if (isNew) this.#enter();
    if (type === 'room_state') {
      for (const one of data.members as Person[]) this.#mesh.meet(one, this.#isResumedPage);
      this.#isResumedPage = false;
    } else if (type === 'someone_joined') {
      this.#mesh.welcome(data as unknown as Person);
    } else if (type === 'someone_left') {
      this.#mesh.leave(`${data.connectionId}`);
    } else if (type !== 'first_to_join') {
      if (this.#mesh.take(type, data)) return;
      const { connectionId, ...payload } = data;
      return this.emit('signal', { connectionId: `${connectionId}`, type, payload });
    }
    this.emit(type as 'room_state', data as WebRtcClientEvents['room_state']);
  };

  // What the parts ask and report

  #socketDelegate(): SocketDelegate {
    return {
      emit: this.emit,
      onFresh: (welcome) => {
        this.dialect = welcome ? 'v1' : 'classic';
        this.connectionId = welcome?.connectionId;
        this.#isResumedPage = false;
        this.#join();
        this.#mesh.uproot();
      },
      onWelcome: this.#ice.learn,
      onEvent: this.#onEvent,
      onEnd: () => {
        if (this.#isClosed) return;
        this.#isClosed = true;
        // After the event that says why.
        queueMicrotask(() => this.#end());
      },
    };
  }

  #host(): Host {
    const options = this.#options;
    return {
      emit: this.emit,
      roomId: this.roomId,
      connectionId: () => this.connectionId,
      create: (configuration) =>
        new (options.globals?.RTCPeerConnection ?? RTCPeerConnection)(configuration),
      configuration: () => ({
        iceServers: this.#ice.servers(), iceTransportPolicy: options.iceTransportPolicy ?? 'all',
      }),
      stream: () => this.#media.stream,
      sound: () => this.#media.sound,
      receive: options.video || options.stream ? KINDS : [],
      tell: (target, payload) => this.#socket.say({
        action: 'send-payload', target,
        payload: { ...payload, offererId: this.id, name: options.name ?? null },
      }),
    };
  }
}
