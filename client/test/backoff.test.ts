import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from '../src/backoff.js';

test('waits at random, from the least on and at most twice as long after each failure', () => {
  for (let attempt = 1; attempt <= 40; attempt += 1) {
    const most = Math.min(60_000, 2_000 * 2 ** (attempt - 1));
    for (let round = 0; round < 50; round += 1) {
      const ms = backoff(attempt, 100);
      assert(ms >= 100 && ms <= most, `attempt ${attempt}: ${ms} ms`);
    }
  }
});

test('waits the least where that is more than the most', () => {
  assert.equal(backoff(1, 5_000, 4_000), 5_000);
});
