/** What can be sent over a data channel. */
export type Data = string | ArrayBuffer | ArrayBufferView | Blob;

/** While more bytes than this wait in the browser, what is sent waits here. */
const BUFFERED_MAX = 1 << 20;
/** How often to look, where the browser's event does not come: the page may have set its limit. */
const LOOK_MS = 100;

function is(data: unknown, ...names: string[]): boolean {
  return names.includes(Object.prototype.toString.call(data).slice(8, -1));
}

function isBlob(data: Data): data is Blob {
  return is(data, 'Blob', 'File');
}

/** @throws TypeError for what can never be sent, or not with so many bytes. */
export function checkData(data: unknown, most = Infinity): asserts data is Data {
  const isBytes = is(data, 'ArrayBuffer') || ArrayBuffer.isView(data);
  if (typeof data !== 'string' && !isBytes && !isBlob(data as Data)) {
    throw new TypeError('Only a text, bytes (ArrayBuffer or a view of one) or a Blob can be sent: '
      + 'turn an object into a text with JSON.stringify');
  }
  const length = lengthOf(data as Data, most);
  if (length > most) {
    throw new TypeError(`A message to this peer holds at most ${most} bytes, not ${length}: `
      + 'send it in pieces');
  }
}

/** In bytes; of a text that is short enough in any case, an estimate. */
function lengthOf(data: Data, most: number): number {
  if (typeof data !== 'string') return isBlob(data) ? data.size : data.byteLength;
  return data.length * 3 <= most ? data.length : new TextEncoder().encode(data).length;
}

/** What the page may change meanwhile is kept as it was. */
function kept(data: Data): Data {
  if (typeof data === 'string' || isBlob(data)) return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data.slice(0);
}

/** Sends to one peer, in order, and no faster than it goes out. */
export class SendQueue {
  private readonly waiting: { data: Data; done: (isSent: boolean) => void }[] = [];

  constructor(private readonly channel: () => RTCDataChannel | undefined) {}

  /** Whether the browser has taken it all; false where there is no open channel. */
  push(data: Data): Promise<boolean> {
    const channel = this.channel();
    if (!channel) return Promise.resolve(false);
    if (!this.waiting.length && !isBlob(data) && channel.bufferedAmount <= BUFFERED_MAX) {
      return Promise.resolve(give(channel, data));
    }
    return new Promise((done) => {
      this.waiting.push({ data: kept(data), done });
      if (this.waiting.length === 1) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      // Not all browsers send a Blob themselves.
      const data = isBlob(next.data) ? await next.data.arrayBuffer().catch(() => undefined)
        : next.data;
      const channel = await this.room();
      this.waiting.shift();
      next.done(channel !== undefined && data !== undefined && give(channel, data));
    }
  }

  /** The channel, once little waits in it. */
  private async room(): Promise<RTCDataChannel | undefined> {
    for (;;) {
      const channel = this.channel();
      if (!channel || channel.bufferedAmount <= BUFFERED_MAX) return channel;
      channel.bufferedAmountLowThreshold ||= BUFFERED_MAX;
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_MS);
        channel.addEventListener('bufferedamountlow', resolve, { once: true });
      });
    }
  }
}

function give(channel: RTCDataChannel, data: Data): boolean {
  try {
    channel.send(data as ArrayBuffer);
    return true;
  } catch {
    return false;  // Closed this moment.
  }
}
