/** Whether nobody should come back by himself after this close (docs/protocol.md §4). */
export declare function isFinal(code: number): boolean;
/** What a close means, for people. */
export declare function explain(code: number, reason: string): string;
/**
 * How long to wait before the next attempt, in milliseconds: at random, and longer after each
 * failure in a row, up to `mostMs`.
 */
export declare function backoff(attempt: number, minMs: number, mostMs?: number): number;
