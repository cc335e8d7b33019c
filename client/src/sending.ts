/** What can be sent over a data channel. */
export type Data = string | ArrayBuffer | ArrayBufferView | Blob;

/** While more bytes than this wait in the browser, what is sent waits here. */
const BUFFERED_MAX = 1 << 20;
/** How often to look, where the browser's event does not come: the page may have set its limit. */
const LOOK_MS = 100;

export const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** By what they say they are: of another frame, they are of another class. */
const isOneOf = (data: unknown, ...names: unknown[]): boolean =>
  names.includes((data as Record<symbol, unknown> | undefined)?.[Symbol.toStringTag]);

const isBlob = (data: unknown): data is Blob => isOneOf(data, 'Blob', 'File');

/** @throws TypeError for what can never be sent, or not with so many bytes. */
export function checkData(data: unknown, most = Infinity, to = 'peer'): asserts data is Data {
  let length: number;
  if (typeof data === 'string') {
    // Of a text that is short enough in any case its bytes are not counted.
    length = data.length * 3 <= most ? 0 : bytesOf(data);
  } else if (isBlob(data)) {
    length = data.size;
  } else if (ArrayBuffer.isView(data) || isOneOf(data, 'ArrayBuffer')) {
    length = (data as ArrayBuffer).byteLength;
  } else {
    throw new TypeError('Only text, bytes or a Blob can be sent: use JSON.stringify');
  }
  if (length > most) {
    throw new TypeError(`The ${to} takes at most ${most} bytes, not ${length}: send it in pieces`);
  }
}

/** What the page may change meanwhile is kept as it was. */
function kept(data: Data): Data {
  if (typeof data === 'string' || isBlob(data)) return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice() : data.slice(0);
}

/**
 * Sends to one peer, in order, and no faster than it goes out. What it gives tells whether the
 * browser has taken it all: false where there is no open channel.
 */
export function sender(
  channel: () => RTCDataChannel | undefined,
): (data: Data) => Promise<boolean> {
  let waiting = 0;
  let last = Promise.resolve(true);

  const isFull = (): boolean => (channel()?.bufferedAmount ?? 0) > BUFFERED_MAX;

  const give = (data: Data): boolean => {
    try {
      channel()!.send(data as ArrayBuffer);
      return true;
    } catch {
      return false;  // Closed.
    }
  };

  const giveLater = async (data: Data): Promise<boolean> => {
    try {
      // Not all browsers send a Blob themselves.
      const bytes = isBlob(data) ? await data.arrayBuffer() : data;
      while (isFull()) await room(channel()!);
      return give(bytes);
    } catch {
      return false;  // A file that is gone.
    } finally {
      waiting -= 1;
    }
  };

  return async (data) => {
    if (!channel()) return false;
    if (!waiting && !isBlob(data) && !isFull()) return give(data);
    waiting += 1;
    const copy = kept(data);
    return (last = last.then(() => giveLater(copy)));
  };
}

/** Until little waits in a channel, or a moment has passed. */
function room(channel: RTCDataChannel): Promise<unknown> {
  channel.bufferedAmountLowThreshold ||= BUFFERED_MAX;
  return new Promise((resolve) => {
    setTimeout(resolve, LOOK_MS);
    channel.addEventListener('bufferedamountlow', resolve, { once: true });
  });
}
