// The floor for relays: about the least that one can do on this machine. One thread and epoll; it
// knows just enough of the classic dialect to be driven by the load generator. No JSON parser, no
// tokens, no checks, no limits: for scale only, loopback only.
//   bare_relay PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_BYTES = 1 << 18, DESCRIPTORS_MAX = 1 << 16, ROOM_SLOTS = 1 << 16 };
enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct buffer {
    char *bytes;
    uint32_t length, capacity, taken;
};

struct connection {
    int descriptor;
    uint32_t generation;
    bool is_upgraded, is_dirty, awaits_writable, is_closing;
    uint8_t id_length;
    char id[18]; // as sent: descriptor and generation in hex
    struct room *room;
    struct connection *next_in_room, *next_dirty;
    struct buffer input, output;
};

struct room {
    struct room *next;
    struct connection *members;
    uint32_t hash;
    uint16_t name_length;
    char name[];
};

static struct connection *by_descriptor[DESCRIPTORS_MAX], *dirty;
static struct room *rooms[ROOM_SLOTS];
static uint32_t generations = 1;
static int loop;
static uint8_t receive_buffer[RECEIVE_BYTES];

static void append(struct buffer *buffer, const void *bytes, size_t length) {
    if (buffer->length + length > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : 2048;
        while (capacity < buffer->length + length) capacity *= 2;
        buffer->bytes = realloc(buffer->bytes, capacity);
        buffer->capacity = (uint32_t)capacity;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += (uint32_t)length;
}

static void release(struct buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

static void mark(struct connection *connection) {
    if (connection->is_dirty) return;
    connection->is_dirty = true;
    connection->next_dirty = dirty;
    dirty = connection;
}

static void put_head(struct connection *connection, int opcode, size_t length) {
    uint8_t head[10] = {(uint8_t)(0x80 | opcode)};
    size_t head_length = 2;
    if (length < 126) {
        head[1] = (uint8_t)length;
    } else if (length < 65536) {
        head[1] = 126, head[2] = (uint8_t)(length >> 8), head[3] = (uint8_t)length;
        head_length = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        head_length = 10;
    }
    append(&connection->output, head, head_length);
}

static void put_frame(struct connection *connection, int opcode, const void *bytes, size_t length) {
    put_head(connection, opcode, length);
    append(&connection->output, bytes, length);
    mark(connection);
}

static void leave(struct connection *connection) {
    struct room *room = connection->room;
    if (!room) return;
    struct connection **member = &room->members;
    while (*member != connection) member = &(*member)->next_in_room;
    *member = connection->next_in_room;
    connection->room = NULL;
    if (room->members) return;
    struct room **slot = &rooms[room->hash % ROOM_SLOTS];
    while (*slot != room) slot = &(*slot)->next;
    *slot = room->next;
    free(room);
}

static void drop(struct connection *connection) {
    leave(connection);
    for (struct connection **other = &dirty; connection->is_dirty && *other;
         other = &(*other)->next_dirty) {
        if (*other != connection) continue;
        *other = connection->next_dirty;
        break;
    }
    by_descriptor[connection->descriptor] = NULL;
    close(connection->descriptor);
    free(connection->input.bytes);
    free(connection->output.bytes);
    free(connection);
}

static void watch(struct connection *connection, bool awaits_writable) {
    if (connection->awaits_writable == awaits_writable) return;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (awaits_writable) event.events |= EPOLLOUT;
    connection->awaits_writable = awaits_writable;
    epoll_ctl(loop, EPOLL_CTL_MOD, connection->descriptor, &event);
}

// Returns false when the connection is gone.
static bool flush(struct connection *connection) {
    struct buffer *output = &connection->output;
    while (output->taken < output->length) {
        ssize_t sent = send(connection->descriptor, output->bytes + output->taken,
                            output->length - output->taken, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return watch(connection, true), true;
        if (sent < 0) return drop(connection), false;
        output->taken += (uint32_t)sent;
    }
    output->length = output->taken = 0;
    watch(connection, false);
    if (connection->is_closing) return drop(connection), false;
    return true;
}

// The text after `key`, up to the next quote.
static const char *find(const char *text, size_t length, const char *key, size_t *found) {
    const char *value = memmem(text, length, key, strlen(key));
    if (!value) return NULL;
    value += strlen(key);
    const char *end = memchr(value, '"', (size_t)(text + length - value));
    if (!end) return NULL;
    *found = (size_t)(end - value);
    return value;
}

static void relay(struct connection *sender, const char *text, size_t length, const char *target) {
    static const char key[] = "\"payload\":{";
    const char *payload = memmem(target, (size_t)(text + length - target), key, sizeof key - 1);
    if (!payload || !sender->room) return;
    payload += sizeof key - 1;
    char *end;
    unsigned long descriptor = strtoul(target, &end, 16);
    unsigned long generation = *end == '.' ? strtoul(end + 1, NULL, 16) : 0;
    struct connection *receiver = descriptor < DESCRIPTORS_MAX ? by_descriptor[descriptor] : NULL;
    if (!receiver || receiver->generation != generation || receiver->room != sender->room) return;
    size_t rest = (size_t)(text + length - payload), type_length; // `rest` holds both last braces.
    const char *type = find(payload, rest, "\"type\":\"", &type_length);
    if (!type) return;
    put_head(receiver, TEXT, 9 + type_length + 26 + sender->id_length + 2 + rest);
    append(&receiver->output, "{\"type\":\"", 9);
    append(&receiver->output, type, type_length);
    append(&receiver->output, "\",\"data\":{\"connectionId\":\"", 26);
    append(&receiver->output, sender->id, sender->id_length);
    append(&receiver->output, "\",", 2);
    append(&receiver->output, payload, rest);
    mark(receiver);
}

static struct room *room_named(const char *name, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    struct room **slot = &rooms[hash % ROOM_SLOTS];
    for (struct room *room = *slot; room; room = room->next)
        if (room->name_length == length && !memcmp(room->name, name, length)) return room;
    struct room *room = calloc(1, sizeof *room + length);
    *room = (struct room){.next = *slot, .hash = hash, .name_length = (uint16_t)length};
    memcpy(room->name, name, length);
    return *slot = room;
}

static void join(struct connection *newcomer, const char *text, size_t length) {
    size_t name_length, id_length;
    const char *name = find(text, length, "\"roomId\":\"", &name_length);
    const char *id = find(text, length, "\"id\":\"", &id_length);
    if (!name || name_length > 128 || !id || id_length > 64 || newcomer->room) return;
    struct room *room = room_named(name, name_length);
    char event[512];
    if (!room->members) {
        int size = snprintf(event, sizeof event,
                            "{\"type\":\"first_to_join\",\"data\":{\"roomId\":\"%.*s\"}}",
                            (int)name_length, name);
        put_frame(newcomer, TEXT, event, (size_t)size);
    }
    for (struct connection *member = room->members; member; member = member->next_in_room) {
        int size = snprintf(event, sizeof event,
                            "{\"type\":\"someone_joined\",\"data\":{\"connectionId\":\"%s\","
                            "\"peerId\":\"%.*s\",\"name\":null,\"sdp\":null,\"ownId\":\"%s\"}}",
                            newcomer->id, (int)id_length, id, member->id);
        put_frame(member, TEXT, event, (size_t)size);
    }
    newcomer->room = room;
    newcomer->next_in_room = room->members;
    room->members = newcomer;
}

static void received(struct connection *connection, const char *text, size_t length) {
    size_t target_length;
    const char *target = find(text, length, "\"target\":\"", &target_length);
    if (target) relay(connection, text, length, target);
    else join(connection, text, length);
}

// Returns the bytes used, 0 for "more is needed", -1 for a bad request.
static ssize_t take_upgrade(struct connection *connection, uint8_t *bytes, size_t length) {
    static const char name[] = "Sec-WebSocket-Key: ";
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4), digest[SHA_DIGEST_LENGTH];
    if (!end) return length > 16384 ? -1 : 0;
    uint8_t *key = memmem(bytes, (size_t)(end - bytes), name, sizeof name - 1);
    if (!key || end - key < 19 + 24) return -1;
    char joined[60], accept[32], answer[256];
    memcpy(joined, key + 19, 24);
    memcpy(joined + 24, magic, 36);
    SHA1((uint8_t *)joined, sizeof joined, digest);
    EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    append(&connection->output, answer, (size_t)size);
    mark(connection);
    connection->is_upgraded = true;
    return end - bytes + 4;
}

static void unmask(uint8_t *bytes, size_t length, uint32_t mask) {
    uint64_t wide_mask = (uint64_t)mask << 32 | mask, chunk;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&chunk, bytes + i, 8);
        chunk ^= wide_mask;
        memcpy(bytes + i, &chunk, 8);
    }
    for (; i < length; i++) bytes[i] ^= ((uint8_t *)&mask)[i & 3];
}

static ssize_t take_frame(struct connection *connection, uint8_t *bytes, size_t length) {
    if (length < 2) return 0;
    size_t payload = bytes[1] & 127, head = payload == 126 ? 8 : 6;
    if (!(bytes[1] & 128) || payload == 127) return -1;
    if (length < head) return 0;
    if (payload == 126) payload = (size_t)bytes[2] << 8 | bytes[3];
    if (length < head + payload) return 0;
    uint32_t mask;
    memcpy(&mask, bytes + head - 4, 4);
    unmask(bytes + head, payload, mask);
    switch (bytes[0] & 15) {
    case TEXT: received(connection, (char *)bytes + head, payload); break;
    case PING: put_frame(connection, PONG, bytes + head, payload); break;
    case CLOSE:
        put_frame(connection, CLOSE, bytes + head, payload < 2 ? 0 : 2);
        connection->is_closing = true;
        break;
    default: break;
    }
    return (ssize_t)(head + payload);
}

static void readable(struct connection *connection) {
    struct buffer *input = &connection->input;
    size_t kept = input->length, used = 0;
    if (kept) memcpy(receive_buffer, input->bytes, kept);
    ssize_t got = recv(connection->descriptor, receive_buffer + kept, RECEIVE_BYTES - kept, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop(connection);
    size_t total = kept + (size_t)got;
    while (!connection->is_closing) {
        ssize_t taken = connection->is_upgraded
                            ? take_frame(connection, receive_buffer + used, total - used)
                            : take_upgrade(connection, receive_buffer + used, total - used);
        if (taken < 0) return drop(connection);
        if (taken == 0) break;
        used += (size_t)taken;
    }
    input->length = 0;
    if (used < total) append(input, receive_buffer + used, total - used);
    else release(input);
}

static void accept_all(int listener) {
    int descriptor, yes = 1;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (descriptor >= DESCRIPTORS_MAX) {
            close(descriptor);
            continue;
        }
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->descriptor = descriptor;
        connection->generation = generations++;
        connection->id_length = (uint8_t)snprintf(connection->id, sizeof connection->id, "%x.%x",
                                                  descriptor, connection->generation);
        by_descriptor[descriptor] = connection;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
    }
}

static void flush_dirty(void) { // One send for each connection and turn.
    while (dirty) {
        struct connection *connection = dirty;
        dirty = connection->next_dirty;
        connection->is_dirty = false;
        if (flush(connection) && !connection->output.length && connection->output.capacity > 16384)
            release(&connection->output);
    }
}

static int listen_on(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
        perror("bare_relay: listen");
        exit(1);
    }
    return listener;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = listen_on((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    struct epoll_event event = {.events = EPOLLIN}, events[512];
    loop = epoll_create1(0);
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(loop, events, 512, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) accept_all(listener);
            else if (events[i].events & EPOLLOUT && !flush(connection)) continue;
            else if (events[i].events & ~(uint32_t)EPOLLOUT) readable(connection);
        }
        flush_dirty();
    }
}
