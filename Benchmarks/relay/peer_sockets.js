// The sockets of a relay as one would write it with Node and ws, of one process or of several:
// calls `join`, `pass` and `leave` for the peers, which it keeps in `peers` by connectionId.
'use strict';
const http = require('http');
const { randomUUID } = require('crypto');
const { WebSocketServer } = require('ws');

module.exports = (peers, { join, pass, leave }) => {
  const sockets = new WebSocketServer({
    noServer: true, maxPayload: 128 * 1024, perMessageDeflate: false,
  });

  sockets.on('connection', (socket) => {
    const peer = { socket, connectionId: randomUUID() };
    peers.set(peer.connectionId, peer);
    socket.on('error', () => {});
    socket.on('close', () => leave(peer));
    socket.on('message', (bytes) => {
      let message;
      try {
        message = JSON.parse(bytes);
      } catch {
        socket.close(1007);
        return;
      }
      if (message.action === 'join-room') join(peer, message);
      else if (message.action === 'send-payload') pass(peer, message);
    });
  });

  const server = http.createServer((_, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => {
    const query = new URL(request.url, 'http://localhost').searchParams;
    if (query.get('token') && query.get('client')) {
      sockets.handleUpgrade(request, socket, head, (one) => sockets.emit('connection', one));
    } else {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    }
  });
  return server;
};
