import type { Address } from './address.js';
import type { ProblemCode, WebRtcClientOptions } from './types.js';
/** Why there is no token. */
export interface TokenProblem {
    code: ProblemCode;
    message: string;
    /** Where the code alone does not tell. */
    final?: boolean;
    /** How long to wait at least before another is asked for. */
    leastMs?: number;
    /** What was thrown, where something was. */
    err?: unknown;
}
/** An Error that says what has happened by a code. */
export declare function problem(code: ProblemCode, message: string, more?: Partial<TokenProblem>): Error & TokenProblem;
/** Gives a token each time that it is called, or throws a problem. */
export declare function tokens(options: WebRtcClientOptions, address: Address): () => Promise<string>;
/** A token without the space around it. @throws a problem for what is none. */
export declare function tidy(token: unknown): string;
/** Whether it is an access token of ours, by its header; it need not be a good one. */
export declare function isOwn(token: string): boolean;
