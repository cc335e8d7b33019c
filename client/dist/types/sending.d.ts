/** What can be sent over a data channel. */
export declare type Data = string | ArrayBuffer | ArrayBufferView | Blob;
export declare const bytesOf: (text: string) => number;
/** @throws TypeError for what can never be sent, or not with so many bytes. */
export declare function checkData(data: unknown, most?: number, to?: string): asserts data is Data;
/**
 * Sends to one peer, in order, and no faster than it goes out. What it gives tells whether the
 * browser has taken it all: false where there is no open channel.
 */
export declare function sender(channel: () => RTCDataChannel | undefined): (data: Data) => Promise<boolean>;
