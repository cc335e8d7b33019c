import type { Address } from './address.js';
import type { ProblemCode } from './types.js';
export declare type GetToken = () => string | Promise<string>;
/** No token, and by which code that is told. */
export declare class TokenError extends Error {
    readonly code: ProblemCode;
    readonly final?: boolean | undefined;
    constructor(code: ProblemCode, message: string, final?: boolean | undefined);
}
/** What `getToken` gives without the space around it. @throws TokenError for what is no token. */
export declare function tidy(token: unknown): string;
/** Whether it is an access token of ours, by its header; it need not be a good one. */
export declare function isOwn(token: string): boolean;
/**
 * Asks the session of this browser for an access token (docs/backend.md §5): one of this client's,
 * where it is named, since pages of several may share an origin and so its cookie.
 */
export declare function sessionToken(address: Address, room: string, clientId: string | undefined): GetToken;
