import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joiningName, nameOf } from '../src/name.js';

test('who gives no name is a guest where there must be one', () => {
  assert.equal(joiningName(undefined, 'v1'), 'Guest');
  assert.equal(joiningName('', 'v1'), 'Guest');
  assert.equal(joiningName(null, 'classic'), '');
  assert.equal(joiningName('Ada', 'v1'), 'Ada');
});

test('half a character becomes one that says so, and whole ones stay', () => {
  assert.equal(nameOf('a\ud83d'), 'a\ufffd');
  assert.equal(nameOf('\ude00 \u{1f600}'), '\ufffd \u{1f600}');
  assert.equal(nameOf(undefined), null);
});
