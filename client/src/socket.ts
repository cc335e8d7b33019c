import type { Address } from './address';
import { backoff } from './backoff';
import { explain, isFinal } from './codes';
import { Liveness } from './liveness';
import { FinalTokenError } from './token';
import type { ClientState, Dialect, SocketClosed, SocketProblem } from './types';
import { speaksV1 } from './probe';

type Json = Record<string, unknown>;

/** What the server says first on a v1 connection. */
export interface Welcome {
  connectionId: string;
  session: string;
  expiresAt: number;
  serverTime: number;
  iceServers: RTCIceServer[];
  iceServersExpireAt?: number;
}

interface Resumed {
  connectionId: string;
  session: string;
  seq: number;
}

export interface SocketDelegate {
  /** A connection stands on which nothing was said yet: join. */
  onFresh(dialect: Dialect, welcome: Welcome | undefined): void;
  /** A connection stands on which the session goes on. */
  onResumed(connectionId: string): void;
  onWelcome(welcome: Welcome): void;
  onEvent(type: string, data: Json): void;
  onState(state: ClientState): void;
  onOpen(dialect: Dialect): void;
  onClosed(closed: SocketClosed): void;
  onProblem(problem: SocketProblem): void;
  onReconnecting(attempt: number, delayMs: number): void;
}

/** The server keeps a lost session for 30 seconds, unless told otherwise. */
const RESUMABLE_MS = 25_000;
const RESUMABLE_WAIT_MS = 4_000;
/** Browsers report a connection that was lost, or never stood, with this code. */
const LOST = 1006;

/**
 * One conversation with the server over as many WebSockets as it takes: connects, resumes, and
 * sends again what did not arrive.
 */
export class SignalSocket {
  state: ClientState = 'idle';
  private socket: WebSocket | undefined;
  private dialect: Dialect | undefined;
  private hasOpened = false;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lostAt = 0;
  private readonly liveness = new Liveness(() => this.ping(), () => this.onSilence());
  /** By their `ack`: messages that may not have arrived. */
  private readonly unacked = new Map<number, Json>();
  private ackCount = 0;
  /** Up to which event the replay of a resume goes; what is unacked then did not arrive. */
  private replayEnd: number | undefined;
  /** What is to be said once the conversation stands. */
  private waiting: Json[] = [];
  private isReady = false;
  private drainMs: number | undefined;
  private refreshAttempt = 0;
  session: string | undefined;
  seq = 0;

  constructor(
    private readonly address: Address,
    private readonly clientId: string | undefined,
    private readonly getToken: () => string | Promise<string>,
    private readonly wanted: Dialect | 'auto',
    private readonly delegate: SocketDelegate,
  ) {}

  get isV1(): boolean {
    return this.dialect === 'v1';
  }

  // Connecting

  start(kept?: { session: string; seq: number }): void {
    this.session = kept?.session;
    this.seq = kept?.seq ?? 0;
    addEventListener('online', this.onOnline);
    document.addEventListener('visibilitychange', this.onVisible);
    this.setState('connecting');
    void this.connect();
  }

  private async connect(): Promise<void> {
    this.timer = undefined;
    let token: string;
    try {
      token = await this.getToken();
      if (typeof token !== 'string' || !token) throw new Error('getToken gave no token');
    } catch (err) {
      if (this.state === 'closed') return;
      const isFinalError = err instanceof FinalTokenError;
      this.delegate.onProblem({ message: messageOf(err), final: isFinalError, err });
      return isFinalError ? this.finish() : this.reconnect();
    }
    if (this.state === 'closed') return;
    const dialect = this.dialect ?? (this.wanted === 'auto' ? 'v1' : this.wanted);
    this.open(dialect, token);
  }

  private open(dialect: Dialect, token: string): void {
    const client = this.clientId;
    let socket: WebSocket;
    try {
      socket = dialect === 'v1'
        ? new WebSocket(this.address.socket({ client }), ['usher.v1', `usher.bearer.${token}`])
        : new WebSocket(this.address.socket({ token, client }));
    } catch (err) {
      // A token that can stand in no subprotocol, or a URL that this page may not open.
      this.delegate.onProblem({ message: messageOf(err), final: true, err });
      return this.finish();
    }
    this.socket = socket;
    let didOpen = false;
    socket.onopen = () => {
      didOpen = true;
      this.onOpen(dialect);
    };
    socket.onmessage = ({ data }) => this.onMessage(data);
    socket.onclose = ({ code, reason }) => {
      this.forget(socket);
      void this.onClose(code, reason, didOpen, dialect);
    };
  }

  private onOpen(dialect: Dialect): void {
    this.dialect = dialect;
    this.hasOpened = true;
    this.liveness.heard();
    this.delegate.onOpen(dialect);
    if (dialect === 'classic') {
      this.becomeReady();
      this.delegate.onFresh('classic', undefined);
    } else if (this.session) {
      this.write({ action: 'resume', session: this.session, seq: this.seq });
    }
  }

  /** Nothing of this socket is heard any more. */
  private forget(socket: WebSocket): void {
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (this.socket === socket) this.socket = undefined;
    this.liveness.forgetPing();
    this.isReady = false;
    this.replayEnd = undefined;
  }

  private becomeReady(): void {
    this.isReady = true;
    this.attempt = 0;
    this.setState('open');
  }

  // Closing and coming back

  private async onClose(
    code: number, reason: string, didOpen: boolean, dialect: Dialect,
  ): Promise<void> {
    if (this.state === 'closed') return;
    if (isFinal(code)) {
      this.delegate.onClosed({ code, reason, willReconnect: false });
      this.delegate.onProblem({ message: explain(code, reason), code, reason, final: true });
      return this.finish();
    }
    if (code === 1012) this.session = undefined;
    const isGuess = !this.hasOpened && this.wanted === 'auto' && dialect === 'v1';
    if (!didOpen && isGuess && (await speaksV1(this.address)) === false) this.dialect = 'classic';
    if (this.isClosed()) return;
    if (didOpen) {
      this.lostAt = Date.now();
      this.delegate.onClosed({ code, reason, willReconnect: true });
    }
    if (!didOpen) {
      this.delegate.onProblem({
        message: 'The signalling server did not let this page connect: it may be down, or refuse '
          + 'the token or this origin (see the network panel)',
        code, reason, final: false,
      });
    }
    this.reconnect();
  }

  /** As `state` may have changed while something was waited for. */
  private isClosed(): boolean {
    return this.state === 'closed';
  }

  private reconnect(): void {
    if (this.isClosed()) return;
    this.attempt += 1;
    const minMs = this.dialect === 'classic' ? 2_000 : 100;
    const isResumable = this.session !== undefined && Date.now() - this.lostAt < RESUMABLE_MS;
    const mostMs = isResumable ? RESUMABLE_WAIT_MS : undefined;
    const delayMs = Math.round(this.drainMs === undefined || this.attempt > 1
      ? backoff(this.attempt, minMs, mostMs) : Math.random() * this.drainMs);
    this.drainMs = undefined;
    this.setState(this.hasOpened ? 'reconnecting' : 'connecting');
    this.delegate.onReconnecting(this.attempt, delayMs);
    this.timer = setTimeout(() => void this.connect(), delayMs);
  }

  private readonly onOnline = (): void => {
    if (this.timer !== undefined) {
      clearTimeout(this.timer);
      void this.connect();
    } else {
      this.liveness.check();
    }
  };

  private readonly onVisible = (): void => {
    if (document.visibilityState === 'visible') this.liveness.check();
  };

  private ping(): boolean {
    if (!this.isReady || !this.isV1) return false;
    this.write({ action: 'ping' });
    return true;
  }

  private onSilence(): void {
    const socket = this.socket;
    if (!socket) return;
    this.forget(socket);
    socket.close();
    void this.onClose(LOST, 'nothing was heard', true, 'v1');
  }

  /** Ends the session: the others are told at once. */
  close(): void {
    const socket = this.socket;
    if (socket) {
      this.forget(socket);
      socket.close(1000);
    }
    this.finish();
  }

  private finish(): void {
    this.session = undefined;
    this.setState('closed');
    clearTimeout(this.timer);
    this.liveness.stop();
    removeEventListener('online', this.onOnline);
    document.removeEventListener('visibilitychange', this.onVisible);
    this.waiting = [];
    this.unacked.clear();
  }

  private setState(state: ClientState): void {
    if (this.state === state) return;
    this.state = state;
    this.delegate.onState(state);
  }

  // Speaking

  /**
   * Sends a message, or keeps it until the session is resumed. Without a session to resume nothing
   * is kept: connection ids will be others.
   */
  say(message: Json): void {
    if (this.state === 'closed') return;
    if (!this.isReady) {
      if (this.session) this.waiting.push(message);
      return;
    }
    if (!this.isV1) return this.write(message);
    const ack = (this.ackCount += 1);
    const whole = { ...message, ack };
    this.unacked.set(ack, whole);
    this.write(whole);
  }

  private write(message: Json): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // Hearing

  private onMessage(text: unknown): void {
    this.liveness.heard();
    let message: { type?: unknown; data?: unknown; seq?: unknown };
    try {
      message = JSON.parse(String(text));
    } catch {
      return;  // Not the server that we know; nothing to be done about it.
    }
    if (!message || typeof message.type !== 'string') return;
    const data = (message.data ?? {}) as Json;
    if (typeof message.seq === 'number') this.seq = message.seq;
    this.hear(message.type, data);
    if (this.replayEnd !== undefined && this.seq >= this.replayEnd) this.sayAgain();
  }

  private hear(type: string, data: Json): void {
    switch (type) {
      case 'welcome': return this.onWelcome(data as unknown as Welcome);
      case 'resumed': return this.onResumed(data as unknown as Resumed);
      case 'ack': this.unacked.delete(data.ack as number); return;
      case 'error': return this.onError(data);
      case 'token_expiring': void this.refresh(); return;
      case 'draining': this.drainMs = Number(data.reconnectWithinSeconds) * 1000 || 0; return;
      case 'pong': return;
      default: this.delegate.onEvent(type, data);
    }
  }

  private welcome: Welcome | undefined;

  private onWelcome(welcome: Welcome): void {
    this.welcome = welcome;
    this.delegate.onWelcome(welcome);
    if (!this.session) this.beginAfresh();
  }

  private beginAfresh(): void {
    const welcome = this.welcome;
    this.session = welcome?.session;
    this.seq = 0;
    this.waiting = [];
    this.unacked.clear();
    this.becomeReady();
    this.delegate.onFresh('v1', welcome);
  }

  private onResumed(data: Resumed): void {
    this.session = data.session;
    this.becomeReady();
    this.replayEnd = data.seq;
    this.delegate.onResumed(data.connectionId);
  }

  /** The replay is over: what was not acked by then did not arrive. */
  private sayAgain(): void {
    this.replayEnd = undefined;
    for (const message of this.unacked.values()) this.write(message);
    for (const message of this.waiting.splice(0)) this.say(message);
  }

  private onError(data: Json): void {
    if (data.code === 'resume_failed') return this.beginAfresh();
    const refused = this.unacked.get(data.ack as number);
    this.unacked.delete(data.ack as number);
    // Whoever it was for has left meanwhile; we are told so by an event of its own.
    if (data.code === 'unknown_target') return;
    if (data.action === 'refresh-token') return this.refreshLater(new Error(String(data.message)));
    const isJoin = refused?.action === 'join-room';
    this.delegate.onProblem({
      message: `The server refused ${String(data.action)}: ${String(data.message)}`,
      reason: String(data.code), final: isJoin,
    });
    if (isJoin) this.close();
  }

  // Tokens

  private async refresh(): Promise<void> {
    const socket = this.socket;
    try {
      const token = await this.getToken();
      if (this.socket !== socket || !this.isReady) return;
      this.refreshAttempt = 0;
      // Past `say`: a token must not be sent again after a resume, which takes a fresh one anyway.
      this.write({ action: 'refresh-token', token });
    } catch (err) {
      this.refreshLater(err);
    }
  }

  private refreshLater(err: unknown): void {
    if (this.isClosed()) return;
    this.refreshAttempt += 1;
    this.delegate.onProblem({ message: messageOf(err), final: false, err });
    const socket = this.socket;
    setTimeout(() => {
      if (this.socket === socket && this.isReady) void this.refresh();
    }, backoff(this.refreshAttempt, 1_000));
  }
}

function messageOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}
