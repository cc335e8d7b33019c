"""A reverse proxy in front of the two halves of a service, each a process of its own.

Takes the address to listen on as its argument, prints the port, and reads one line of JSON on
stdin: {"auth": [host, port], "signal": [host, port]}. Which half a connection goes to is decided by
the path of its first request; after that bytes pass as they are, and both halves see the peer's
own address.
"""

import asyncio
import json
import sys

AUTH_PREFIXES = (
    b"/oauth2/", b"/.well-known/", b"/edge/", b"/demo", b"/openapi.json", b"/session",
    b"/ice-servers")
CHUNK = 1 << 16
# What has no end of line by then is no request; either half says so.
PATIENCE_SECONDS = 1.0


def half(head):
    """Which half answers what starts with these bytes."""
    words = head.split(b"\r\n", 1)[0].split(b" ")
    target = words[1] if len(words) > 1 else b""
    if target.startswith((b"http://", b"https://")):  # RFC 9112 §3.2.2
        target = b"/" + target.split(b"/", 3)[-1]
    return "auth" if target.startswith(AUTH_PREFIXES) else "signal"


async def first_bytes(reader):
    head = b""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"\n" not in head and (chunk := await reader.read(CHUNK)):
                head += chunk
    except TimeoutError:
        pass
    return head


async def pump(reader, writer, pass_reset):
    """Passes bytes on, then the end of the stream, or the peer's reset. What a half said before it
    reset a connection still arrives."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            try:
                await writer.drain()
            except OSError:
                return
        writer.write_eof()
    except OSError:
        if pass_reset:
            writer.transport.abort()
        else:
            writer.close()


async def serve(peer_reader, peer_writer, places):
    try:
        head = await first_bytes(peer_reader)
        source = peer_writer.get_extra_info("peername")[0]
        reader, writer = await asyncio.open_connection(
            *places[half(head)], local_addr=(source, 0))
    except OSError:
        peer_writer.transport.abort()
        return
    writer.write(head)
    await asyncio.gather(
        pump(peer_reader, writer, pass_reset=True), pump(reader, peer_writer, pass_reset=False))
    for one in (writer, peer_writer):
        one.close()


async def main(address, port):
    ready = asyncio.get_running_loop().create_future()

    async def accept(reader, writer):
        await serve(reader, writer, await ready)

    server = await asyncio.start_server(accept, address, int(port), backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ready.set_result(json.loads(await asyncio.to_thread(sys.stdin.readline)))
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
