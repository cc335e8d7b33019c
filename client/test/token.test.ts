import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwn, tidy } from '../src/token.js';

test('a token is taken without the space around it', () => {
  assert.equal(tidy(' \n ab.c-_.d\r\n'), 'ab.c-_.d');
});

test('what is no token is named, and never repeated', () => {
  const cases: [unknown, string, RegExp][] = [
    ['\n<!doctype html><p>secret', 'token_malformed', /an HTML page/],
    ['<html><body>secret', 'token_malformed', /an HTML page/],
    ['{"token":"secret"}', 'token_malformed', /JSON/],
    ['a secret', 'token_malformed', /a text/], ['secrét', 'token_malformed', /a text/],
    [{ secret: 1 }, 'token_malformed', /object/], [' ', 'token_malformed', /string/],
    ['', 'token_unavailable', /no token/], [undefined, 'token_unavailable', /no token/],
  ];
  for (const [token, code, words] of cases) {
    try {
      tidy(token);
      assert.fail(`took ${String(token)}`);
    } catch (err) {
      const { message, code: said } = err as Error & { code: string };
      assert.equal(said, code, String(token));
      assert.match(message, words);
      assert(!/secr/.test(message), message);
    }
  }
});

test('a token of ours is known by its header', () => {
  const token = (header: string): string =>
    `${btoa(header).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')}.e30.x`;
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
    assert(isOwn(token(`{"alg":"ES256","kid":"??>>","typ":"${typ}"}`)), typ);
  }
  for (const one of [token('{"typ":"JWT"}'), token('{}'), token('null'), 'opaque', '', '..']) {
    assert(!isOwn(one), one);
  }
});
