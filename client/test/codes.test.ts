import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOfClose, CODES, explain, problemOf } from '../src/codes.js';

/** The rows of the table in a document whose first column has this name, without backquotes. */
function table(name: string, column: string): string[][] {
  // From .build/client-tests.
  const lines = readFileSync(join(__dirname, '../../docs', name), 'utf8').split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${column} |`));
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) => line.slice(2, -2).split(' | '));
}

/** Whether the client gives up, as the documents say it. */
const finalOf = (code: string): string => (problemOf({ code }, true).final ? 'yes'
  : problemOf({ code }, false).final ? 'at first' : 'no');

const bare = (text: string | undefined): string => (text ?? '').replace(/^`|`$/g, '');

test('docs/client.md has the table of codes, and word for word what is said of each', () => {
  const documented = table('client.md', '`code`')
    .map(([code, final, , advice]) => [bare(code), final, advice?.replace(/`/g, '')]);
  assert.deepEqual(documented,
    Object.entries(CODES).map(([code, advice]) => [code, finalOf(code), advice]));
});

test('docs/protocol.md says of each code what it comes from, and whether it is final', () => {
  const rows = table('protocol.md', '`code` of the client');
  assert.deepEqual(rows.map(([code, final]) => [bare(code), final]),
    Object.keys(CODES).map((code) => [code, finalOf(code)]));
  const closes = new Map<string, string>();
  for (const [code, , from] of rows) {
    for (const [closeCode] of (from ?? '').matchAll(/\b\d{4}\b/g)) {
      closes.set(String(closeCode), bare(code));
    }
  }
  for (let closeCode = 1000; closeCode < 5000; closeCode += 1) {
    const code = codeOfClose(closeCode);
    const inDocument = closes.get(String(closeCode)) ?? (closeCode > 4500 ? 'protocol_error'
      : undefined);
    assert.equal(code, inDocument, String(closeCode));
  }
});

test('texts say what has happened, what to do, and what was said', () => {
  assert.equal(explain('room_full', 'join-room'), 'room_full: try later (join-room)');
  assert.equal(explain('peer_id_taken'), 'peer_id_taken: choose another id');
  assert.equal(explain('a_new_word'), 'a_new_word: refused');
});
