// A token endpoint as one would write it with nothing but Node's own http and crypto: one client in
// a table in memory, HTTP Basic, a SHA-256 digest compared in constant time, an ES256 token.
//   node peer_node.js PORT CLIENT_ID CLIENT_SECRET
'use strict';
const http = require('http');
const crypto = require('crypto');

const [port, clientID, clientSecret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const digest = (text) => crypto.createHash('sha256').update(text).digest();
const clients = new Map([[clientID, { digest: digest(clientSecret), rooms: ['*'] }]]);
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = base64url({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' });

function makeToken(id, rooms) {
  const now = Math.floor(Date.now() / 1000);
  const jti = crypto.randomBytes(16).toString('base64url');
  const input = `${header}.${base64url({
    aud: issuer, client_id: id, exp: now + 600, iat: now, iss: issuer, jti, rooms,
    scope: 'signal', sub: id,
  })}`;
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' };
  return `${input}.${crypto.sign('sha256', Buffer.from(input), key).toString('base64url')}`;
}

function authenticated(authorization = '') {
  if (!authorization.startsWith('Basic ')) return null;
  const pair = Buffer.from(authorization.slice(6), 'base64').toString();
  const colon = pair.indexOf(':');
  const id = decodeURIComponent(pair.slice(0, colon));
  const client = clients.get(id);
  const presented = digest(decodeURIComponent(pair.slice(colon + 1)));
  return client && crypto.timingSafeEqual(client.digest, presented) ? { id, ...client } : null;
}

function answer(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json', 'Cache-Control': 'no-store', Pragma: 'no-cache',
    'X-Content-Type-Options': 'nosniff', 'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

function grant(request, body, response) {
  const form = new URLSearchParams(body);
  if (form.get('grant_type') !== 'client_credentials') {
    return answer(response, 400, { error: 'unsupported_grant_type' });
  }
  const client = authenticated(request.headers.authorization);
  if (!client) return answer(response, 401, { error: 'invalid_client' });
  return answer(response, 200, {
    access_token: makeToken(client.id, client.rooms), token_type: 'Bearer', expires_in: 600,
    scope: 'signal', rooms: client.rooms,
  });
}

http.createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== '/oauth2/token') {
    return answer(response, 404, { error: 'not_found' });
  }
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => grant(request, Buffer.concat(parts).toString(), response));
  return undefined;
}).listen(Number(port), '127.0.0.1', 1024);
