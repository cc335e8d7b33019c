// The protocol of NATS over WebSocket, for scale: each connection subscribes to a subject of its
// own, and pairs publish to each other's. What the server sends is one stream of bytes, however its
// frames are cut.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void queue_message(struct connection *connection, const char *bytes, size_t length) {
    queue_frame(connection, BINARY, bytes, length);
}

void prepare_message(struct connection *connection) {
    char before[128];
    snprintf(before, sizeof before, "PUB load.%d.%u %zu\r\n", getpid(), connection->partner->slot,
             payload_length());
    prepare_around_payload(connection, before, "\r\n");
}

const char *protocol(void) { return ""; }

void ask_to_join(struct connection *connection) {
    end_connection(connection, &counts.protocol_errors, "no rooms are joined in NATS");
}

void upgraded(struct connection *connection) {
    char text[256];
    int length = snprintf(text, sizeof text,
                          "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\","
                          "\"version\":\"0\",\"protocol\":1}\r\nSUB load.%d.%u 1\r\nPING\r\n",
                          getpid(), connection->slot);
    connection->state = JOINING;
    connection->stream.length = connection->stream.taken = 0;
    queue_message(connection, text, (size_t)length);
    flush(connection);
}

// One command of the server's; returns the bytes used, 0 while it is not whole.
static size_t take_command(struct connection *connection, const char *text, size_t length) {
    const char *end = memmem(text, length, "\r\n", 2);
    if (!end) return 0;
    size_t line = (size_t)(end - text), used = line + 2;
    if (line > 4 && !memcmp(text, "MSG ", 4)) {
        const char *size = end;
        while (size > text && size[-1] != ' ') size--;
        size_t payload = strtoul(size, NULL, 10);
        if (length < used + payload + 2) return 0;
        bool is_ours = count_relayed(connection, text + used, payload);
        if (is_ours && options.mode == THROUGHPUT && !is_stopping) send_in_turn(connection);
        return used + payload + 2;
    }
    if (line == 4 && !memcmp(text, "PING", 4)) queue_message(connection, "PONG\r\n", 6);
    if (line == 4 && !memcmp(text, "PONG", 4) && connection->state == JOINING) {
        prepare_message(connection);
        became_ready(connection);
    }
    if (line >= 4 && !memcmp(text, "-ERR", 4))
        end_connection(connection, &counts.protocol_errors, "an error of the server's");
    return used;
}

void received(struct connection *connection, const char *text, size_t length) {
    struct buffer *stream = &connection->stream;
    append(stream, text, length);
    while (connection->descriptor >= 0) {
        size_t used = take_command(connection, stream->bytes + stream->taken,
                                   stream->length - stream->taken);
        if (!used) break;
        stream->taken += used;
    }
    memmove(stream->bytes, stream->bytes + stream->taken, stream->length - stream->taken);
    stream->length -= stream->taken;
    stream->taken = 0;
}
