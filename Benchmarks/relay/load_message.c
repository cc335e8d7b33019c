// The message that every dialect carries: an offer with the time at which it was sent.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_DIGITS = 19 };

static char *description; // as it stands inside a JSON string
static size_t description_length;

// An SDP of about so many bytes, with the candidates that make up most of a real one.
void prepare_description(int bytes) {
    static const char *lines[] = {
        "v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "a=extmap-allow-mixed", "a=msid-semantic: WMS",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=ice-ufrag:Kx3f",
        "a=ice-pwd:4ZlqDWzLwKgC0rQn2hO9yX1T", "a=ice-options:trickle", "a=setup:actpass",
        "a=mid:0", "a=sctp-port:5000", "a=max-message-size:262144"};
    struct buffer text = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        append(&text, lines[i], strlen(lines[i]));
        append(&text, "\\r\\n", 4);
    }
    for (int n = 1; (int)text.length < bytes; n++) {
        char line[160];
        int length = snprintf(
            line, sizeof line,
            "a=candidate:%d 1 udp %d 192.0.2.%d %d typ host generation 0 network-id %d\\r\\n",
            842163049 + n * 7919, 2122260223 - n * 256, n % 250 + 1, 40000 + n, n);
        append(&text, line, (size_t)length);
    }
    description = text.bytes;
    description_length = text.length;
}

// The payload alone: {"type":"offer","time":"…","sdp":"…"}. Its length, without a zero.
size_t payload_length(void) {
    return sizeof "{\"type\":\"offer\",\"time\":\"\",\"sdp\":\"\"}" - 1 + TIME_DIGITS +
           description_length;
}

// Keeps what stands before and after the payload, ready to be sent.
void prepare_around_payload(struct connection *connection, const char *before, const char *after) {
    free(connection->message);
    int length = asprintf(
        &connection->message, "%s{\"type\":\"offer\",\"time\":\"%0*d\",\"sdp\":\"%.*s\"}%s", before,
        TIME_DIGITS, 0, (int)description_length, description, after);
    if (length < 0) fail("no memory");
    connection->message_length = (size_t)length;
    connection->time_offset = strlen(before) + sizeof "{\"type\":\"offer\",\"time\":\"" - 1;
}

// Queues the prepared message with the present time in it.
void send_message(struct connection *connection) {
    uint64_t time = now_nanoseconds();
    char *digits = connection->message + connection->time_offset;
    for (int i = TIME_DIGITS - 1; i >= 0; i--) digits[i] = (char)('0' + time % 10), time /= 10;
    queue_message(connection, connection->message, connection->message_length);
}

// Messages that wait until their room is no longer ahead, by the turn in which they are due.
struct waiting {
    uint32_t room;
    int messages[2]; // of each member
};

// Answers a message, unless rooms are placed at random, and this one is far ahead of the others:
// then when these have caught up. Without this, rooms of which both members are at one node would
// send far more than those whose messages change nodes. A room's batch of `in_flight` stays one; a turn is such a batch of any
// room, and rooms come up in a fixed order, so that they are not all due at once.
void send_in_turn(struct connection *connection) {
    // Elsewhere all rooms are alike.
    if (options.placement != RANDOM) return send_message(connection);
    enum { AHEAD = 2 };
    static struct waiting *ring;
    static uint64_t *received, total;
    const int64_t rooms = options.rooms, size = 3 * rooms;
    const uint64_t in_flight = (uint64_t)options.in_flight;
    if (!ring) ring = calloc((size_t)size, sizeof *ring);
    if (!received) received = calloc((size_t)rooms, sizeof *received);
    uint32_t room = connection->slot / 2;
    int64_t batch = (int64_t)(received[room]++ / in_flight), turn = (int64_t)(total++ / in_flight);
    int64_t due = (batch - AHEAD) * rooms - room;
    if (due > turn) {
        ring[due % size].room = room;
        ring[due % size].messages[connection->slot % 2]++;
    } else {
        send_message(connection);
    }
    struct waiting *next = &ring[turn % size];
    for (uint32_t member = 0; member < 2; member++) {
        if (!next->messages[member]) continue;
        struct connection *other = &connections[2 * next->room + member];
        while (next->messages[member]) next->messages[member]--, send_message(other);
        if (other != connection) flush(other);
    }
}

// The text after `key` (given with its quotes, colon and opening quote), up to the next quote.
const char *find(const char *text, size_t length, const char *key, size_t *found) {
    const char *value = memmem(text, length, key, strlen(key));
    if (!value) return NULL;
    value += strlen(key);
    const char *end = memchr(value, '"', (size_t)(text + length - value));
    if (!end) return NULL;
    *found = (size_t)(end - value);
    return value;
}

// Counts a message that came back from the relay; false if it is none of ours.
bool count_relayed(struct connection *connection, const char *text, size_t length) {
    size_t found;
    const char *digits = find(text, length, "\"time\":\"", &found);
    if (!digits || found != TIME_DIGITS) {
        end_connection(connection, &counts.protocol_errors, "a relayed message without its time");
        return false;
    }
    if (!connection->is_checked) { // Once for each connection: the relay changed nothing.
        connection->is_checked = true;
        if (!memmem(text, length, description, description_length)) counts.content_errors++;
    }
    if (is_measuring) {
        counts.messages++;
        counts.across += connection->port != connection->partner->port;
        add_latency(now_nanoseconds() - strtoull(digits, NULL, 10));
    }
    counts.answered++;
    return true;
}

void became_ready(struct connection *connection) {
    connection->state = READY;
    if (connection->slot >= lasting_count) {
        if (is_measuring) counts.joins++;
        say_goodbye(connection);
        return;
    }
    counts.ready++;
    if (options.mode != CONNECT) return;
    add_latency(now_nanoseconds() - connection->opened_at);
    counts.messages++;
    say_goodbye(connection);
}
