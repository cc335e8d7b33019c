/**
 * How long to wait before the next attempt, in milliseconds: at random, and longer after each
 * failure in a row, up to `mostMs`.
 */
export function backoff(attempt: number, minMs: number, mostMs = 60_000): number {
  const most = Math.min(mostMs, 1_000 * 2 ** attempt);
  return minMs + Math.random() * Math.max(0, most - minMs);
}
