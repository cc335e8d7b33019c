/** Timers that run when a test says so. */
export class FakeTimers {
  readonly running = new Map<object, { ms: number; then: () => void }>();
  private readonly real = {
    setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout,
  };

  constructor(private readonly log: (text: string) => void = () => undefined) {
    Object.assign(globalThis, {
      setTimeout: (then: () => void, ms: number) => {
        const timer = {};
        this.running.set(timer, { ms, then });
        this.log(`wait ${ms}`);
        return timer;
      },
      clearTimeout: (timer: object) => {
        if (this.running.delete(timer)) this.log('unwait');
      },
    });
  }

  /** Runs those that wait so long. */
  fire(ms: number): void {
    for (const [timer, { ms: its, then }] of [...this.running]) {
      if (its === ms && this.running.delete(timer)) then();
    }
  }

  restore(): void {
    Object.assign(globalThis, this.real);
  }
}

/** What the mesh needs of a browser's connection. */
export class FakeConnection {
  static made: FakeConnection[] = [];
  connectionState = 'new';
  signalingState = 'stable';
  readonly channels: { label: string; protocol?: string }[] = [];
  localDescription?: { sdp: string };
  remoteDescription?: { sdp: string };
  sctp?: { transport: { state: string } };
  restarts = 0;
  ondatachannel?: (event: { channel: unknown }) => void;
  onconnectionstatechange?: () => void;

  constructor(public configuration: RTCConfiguration = {}) {
    FakeConnection.made.push(this);
  }

  createDataChannel(label: string, { protocol }: RTCDataChannelInit = {}): unknown {
    this.channels.push({ label, protocol });
    return { addEventListener: () => undefined, readyState: 'connecting' };
  }

  restartIce(): void {
    this.restarts += 1;
  }

  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.connectionState = 'closed';
  }
}
