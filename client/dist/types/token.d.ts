import type { Address } from './address.js';
import type { WebRtcClientOptions } from './types.js';
/** Gives a token each time that it is called, or throws a `Failure`. */
export declare function tokens(options: WebRtcClientOptions, address: Address): () => Promise<string>;
/** A token without the space around it. @throws a Failure for what is none. */
export declare function tidy(token: unknown): string;
/** Whether it is an access token of ours, by its header; it need not be a good one. */
export declare function isOwn(token: string): boolean;
