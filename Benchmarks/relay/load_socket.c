// Sockets, the WebSocket handshake and frames (RFC 6455), as a client that is in a hurry.
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// Every handshake uses the key of RFC 6455 §1.3, so that the answer is known.
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
enum { RECEIVE_BYTES = 1 << 18, COMPLAINTS_MAX = 5 };

static int loop;
static uint8_t *receive_buffer;
static uint32_t serials, complaints;
static uint64_t random_state;

void start_loop(void) {
    loop = epoll_create1(EPOLL_CLOEXEC);
    receive_buffer = malloc(RECEIVE_BYTES);
    random_state = now_nanoseconds() | 1;
}

static uint32_t next_mask(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

void append(struct buffer *buffer, const void *bytes, size_t length) {
    if (buffer->length + length > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : 512;
        while (capacity < buffer->length + length) capacity *= 2;
        buffer->bytes = realloc(buffer->bytes, capacity);
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

static void watch(struct connection *connection, int operation) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
    if (connection->awaits_writable) event.events |= EPOLLOUT;
    epoll_ctl(loop, operation, connection->descriptor, &event);
}

static void release(struct connection *connection) {
    close(connection->descriptor);
    connection->descriptor = -1;
    connection->state = FREE;
    connection->input.length = connection->input.taken = 0;
    connection->output.length = connection->output.taken = 0;
    counts.ended++;
}

void end_connection(struct connection *connection, uint64_t *counter, const char *why) {
    if (connection->state == FREE) return;
    if (connection->state != CLOSING) { // An end of stream while closing is what we wait for.
        ++*counter;
        if (!is_stopping && complaints++ < COMPLAINTS_MAX)
            fprintf(stderr, "load: connection %u (state %d): %s (errno %d)\n", connection->serial,
                    connection->state, why, errno);
    }
    release(connection);
}

bool flush(struct connection *connection) {
    struct buffer *output = &connection->output;
    while (output->taken < output->length) {
        ssize_t sent = send(connection->descriptor, output->bytes + output->taken,
                            output->length - output->taken, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) {
            if (!connection->awaits_writable) {
                connection->awaits_writable = true;
                watch(connection, EPOLL_CTL_MOD);
            }
            return true;
        }
        if (sent < 0) {
            end_connection(connection, &counts.closed_by_server, "send failed");
            return false;
        }
        output->taken += (size_t)sent;
    }
    output->taken = output->length = 0;
    if (connection->awaits_writable) {
        connection->awaits_writable = false;
        watch(connection, EPOLL_CTL_MOD);
    }
    return true;
}

static void apply_mask(uint8_t *bytes, size_t length, uint32_t mask) {
    uint64_t wide_mask = (uint64_t)mask << 32 | mask, chunk;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&chunk, bytes + i, 8);
        chunk ^= wide_mask;
        memcpy(bytes + i, &chunk, 8);
    }
    for (; i < length; i++) bytes[i] ^= ((uint8_t *)&mask)[i & 3];
}

void queue_frame(struct connection *connection, enum opcode opcode, const char *payload,
                 size_t length) {
    uint8_t head[14] = {(uint8_t)(0x80 | opcode)};
    size_t head_length = 2;
    uint32_t mask = next_mask();
    if (length < 126) {
        head[1] = (uint8_t)(0x80 | length);
    } else if (length < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(length >> 8);
        head[3] = (uint8_t)length;
        head_length = 4;
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        head_length = 10;
    }
    memcpy(head + head_length, &mask, 4);
    append(&connection->output, head, head_length + 4);
    append(&connection->output, payload, length);
    struct buffer *output = &connection->output;
    apply_mask((uint8_t *)output->bytes + output->length - length, length, mask);
}

void say_goodbye(struct connection *connection) {
    static const char code_1000[2] = {0x03, (char)0xe8};
    connection->state = CLOSING;
    queue_frame(connection, CLOSE, code_1000, sizeof code_1000);
    flush(connection);
}

void open_connection(struct connection *connection) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket: %s (raise ulimit -n?)", strerror(errno));
    int yes = 1;
    struct linger reset = {1, 0}; // close() resets, so that no TIME_WAIT piles up on our side.
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    connection->descriptor = descriptor;
    connection->state = CONNECTING;
    connection->serial = serials++;
    connection->awaits_writable = true;
    connection->is_checked = connection->was_told_first = connection->has_joined = false;
    connection->partner_id[0] = 0;
    connection->opened_at = now_nanoseconds();
    counts.opened++;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)connection->port)};
    inet_pton(AF_INET, options.host, &address.sin_addr);
    if (connect(descriptor, (void *)&address, sizeof address) && errno != EINPROGRESS) {
        end_connection(connection, &counts.connect_errors, "connect");
        return;
    }
    watch(connection, EPOLL_CTL_ADD);
}

static void ask_for_upgrade(struct connection *connection) {
    char request[8192];
    int length = snprintf(
        request, sizeof request,
        "GET /?token=%s&client=%s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        options.token, options.client, options.host, connection->port, protocol());
    append(&connection->output, request, (size_t)length);
    connection->state = UPGRADING;
    flush(connection);
}

// Reads the answer to the handshake: the bytes used, 0 for "more is needed", -1 for the end.
static ssize_t take_upgrade(struct connection *connection, uint8_t *bytes, size_t length) {
    uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12)) {
        if (complaints < COMPLAINTS_MAX) fprintf(stderr, "load: answer: %.40s\n", (char *)bytes);
        end_connection(connection, &counts.http_errors, "upgrade refused");
        return -1;
    }
    if (!memmem(bytes, (size_t)(end - bytes) + 2, ACCEPT "\r\n", sizeof ACCEPT + 1)) {
        end_connection(connection, &counts.http_errors, "wrong Sec-WebSocket-Accept");
        return -1;
    }
    upgraded(connection);
    return connection->descriptor < 0 ? -1 : end - bytes + 4;
}

// One frame's worth: returns the bytes used, 0 for "more is needed", -1 for the end.
static ssize_t take_frame(struct connection *connection, uint8_t *bytes, size_t length) {
    if (length < 2) return 0;
    size_t head = 2;
    uint64_t payload = bytes[1] & 127;
    if (bytes[1] & 128) {
        end_connection(connection, &counts.protocol_errors, "masked frame from the server");
        return -1;
    }
    if (payload == 126) {
        if (length < 4) return 0;
        payload = (uint64_t)bytes[2] << 8 | bytes[3];
        head = 4;
    } else if (payload == 127) {
        end_connection(connection, &counts.protocol_errors, "frame too long");
        return -1;
    }
    if (length < head + payload) return 0;
    const char *content = (char *)bytes + head;
    switch (bytes[0] & 15) {
    case CLOSE:
        errno = payload >= 2 ? bytes[head] << 8 | bytes[head + 1] : 0;
        end_connection(connection, &counts.closed_by_server, "closed (errno is the code)");
        break;
    case PING: queue_frame(connection, PONG, content, payload); break;
    case TEXT:
    case BINARY:
        if (connection->state != CLOSING) received(connection, content, payload);
        break;
    default: break;
    }
    return connection->descriptor < 0 ? -1 : (ssize_t)(head + payload);
}

static void readable(struct connection *connection) {
    struct buffer *input = &connection->input;
    size_t kept = input->length;
    if (kept) memcpy(receive_buffer, input->bytes, kept);
    ssize_t got = recv(connection->descriptor, receive_buffer + kept, RECEIVE_BYTES - kept, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
        end_connection(connection, &counts.closed_by_server, got ? "recv" : "end of stream");
        return;
    }
    size_t total = kept + (size_t)got, used = 0;
    for (;;) {
        uint8_t *rest = receive_buffer + used;
        ssize_t taken = connection->state == UPGRADING
                            ? take_upgrade(connection, rest, total - used)
                            : take_frame(connection, rest, total - used);
        if (taken < 0) return;
        if (taken == 0) break;
        used += (size_t)taken;
    }
    input->length = 0;
    if (used < total) append(input, receive_buffer + used, total - used);
    if (connection->output.length && !connection->awaits_writable) flush(connection);
}

static void connected(struct connection *connection) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    if (error) end_connection(connection, &counts.connect_errors, "connect");
    else ask_for_upgrade(connection);
}

// Waits for events, for so long at most, and handles those that came.
void turn(int wait_milliseconds) {
    struct epoll_event events[512];
    int count = epoll_wait(loop, events, 512, wait_milliseconds);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->descriptor < 0) continue;
        if (connection->state == CONNECTING) {
            connected(connection);
            continue;
        }
        if (events[i].events & EPOLLOUT && !flush(connection)) continue;
        if (events[i].events & ~(uint32_t)EPOLLOUT) readable(connection);
    }
}
