/**
 * How long to wait before the next attempt, in milliseconds: at random, and longer after each
 * failure in a row, up to `mostMs`.
 */
export declare function backoff(attempt: number, minMs: number, mostMs?: number): number;
