import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomID } from '../src/id.js';

test('ids are random UUIDs, whatever there is of crypto', () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  const asksFor: string[] = [];
  const getRandomValues = (bytes: Uint8Array): Uint8Array => {
    asksFor.push('values');
    return bytes.fill(0xff);
  };
  for (const value of [undefined, {}, { getRandomValues }]) {
    Object.defineProperty(globalThis, 'crypto', { value, configurable: true });
    assert.match(randomID(), form);
    if (!value?.getRandomValues) assert.notEqual(randomID(), randomID());
  }
  assert.equal(asksFor.length, 30, 'each digit that may vary');
  if (own) Object.defineProperty(globalThis, 'crypto', own);
});
