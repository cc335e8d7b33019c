import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sha256 } from '../src/sha256.js';

test('gives what another implementation gives, of every length over two blocks', () => {
  for (let length = 0; length <= 130; length += 1) {
    const codes = Array.from({ length }, (_, i) => 33 + ((i * 7) % 90));
    const text = String.fromCharCode(...codes);
    assert.equal(sha256(text), createHash('sha256').update(text).digest('hex'), `${length}`);
  }
  assert.equal(sha256('Grüße 😀'), createHash('sha256').update('Grüße 😀').digest('hex'));
});
