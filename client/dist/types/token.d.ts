import type { Address } from './address';
/** No token is to be had, whoever asks again. */
export declare class FinalTokenError extends Error {
}
/** Asks the session of this browser for an access token (docs/backend.md §5). */
export declare function sessionToken(address: Address, room: string): () => Promise<string>;
