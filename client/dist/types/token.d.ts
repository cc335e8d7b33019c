import type { Address } from './address';
/** No token is to be had, whoever asks again. */
export declare class FinalTokenError extends Error {
}
/**
 * Asks the session of this browser for an access token (docs/backend.md §5): one of this client's,
 * where it is named, since pages of several may share an origin and so its cookie.
 */
export declare function sessionToken(address: Address, room: string, clientId: string | undefined): () => Promise<string>;
