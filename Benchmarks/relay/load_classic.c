// The classic dialect: rooms of two, whose members send each other an offer back and forth.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

void prepare_message(struct connection *connection) {
    char zeros[TIME_DIGITS + 1] = {0};
    memset(zeros, '0', TIME_DIGITS);
    free(connection->message);
    int length = asprintf(
        &connection->message,
        "{\"action\":\"send-payload\",\"target\":\"%s\","
        "\"payload\":{\"type\":\"offer\",\"time\":\"%s\",\"sdp\":\"%.*s\"}}",
        connection->partner_id, zeros, (int)description_length, description);
    if (length < 0) fail("no memory");
    connection->message_length = (size_t)length;
    connection->time_offset = (size_t)(strstr(connection->message, zeros) - connection->message);
}

// Queues the prepared message with the present time in it.
void send_message(struct connection *connection) {
    uint64_t time = now_nanoseconds();
    char *digits = connection->message + connection->time_offset;
    for (int i = TIME_DIGITS - 1; i >= 0; i--) digits[i] = (char)('0' + time % 10), time /= 10;
    queue_text(connection, connection->message, connection->message_length);
}

static void join(struct connection *connection) {
    char text[256];
    int length = snprintf(
        text, sizeof text,
        "{\"action\":\"join-room\",\"roomId\":\"load-%d-%u\",\"name\":\"peer %u\",\"id\":\"u%u\"}",
        getpid(), connection->room, connection->serial, connection->serial);
    connection->has_joined = true;
    queue_text(connection, text, (size_t)length);
    flush(connection);
}

// A pair's first member joins at once, the second when the first was told that it is first.
void upgraded(struct connection *connection) {
    connection->state = JOINING;
    connection->room = options.mode == CONNECT ? connection->serial : connection->slot / 2;
    bool is_first = options.mode == CONNECT || connection->slot % 2 == 0;
    if (is_first || connection->partner->was_told_first) join(connection);
}

static void became_ready(struct connection *connection) {
    connection->state = READY;
    counts.ready++;
    if (options.mode != CONNECT) return;
    add_latency(now_nanoseconds() - connection->opened_at);
    counts.messages++;
    say_goodbye(connection);
}

// The value of `key` (given with its quotes, colon and opening quote), up to its closing quote.
static const char *find(const char *text, size_t length, const char *key, size_t *found) {
    const char *value = memmem(text, length, key, strlen(key));
    if (!value) return NULL;
    value += strlen(key);
    const char *end = memchr(value, '"', (size_t)(text + length - value));
    if (!end) return NULL;
    *found = (size_t)(end - value);
    return value;
}

static bool learn_partner(struct connection *connection, const char *text, size_t length) {
    size_t found;
    const char *id = find(text, length, "\"connectionId\":\"", &found);
    if (!id || found >= sizeof connection->partner_id) {
        end_connection(connection, &counts.protocol_errors, "no connectionId in an event");
        return false;
    }
    memcpy(connection->partner_id, id, found);
    connection->partner_id[found] = 0;
    prepare_message(connection);
    return true;
}

static void relayed(struct connection *connection, const char *text, size_t length) {
    size_t found;
    const char *digits = find(text, length, "\"time\":\"", &found);
    if (!digits || found != TIME_DIGITS) {
        end_connection(connection, &counts.protocol_errors, "a relayed message without its time");
        return;
    }
    if (!connection->is_checked) { // Once for each connection: the relay changed nothing.
        connection->is_checked = true;
        if (!memmem(text, length, description, description_length)) counts.content_errors++;
    }
    if (!connection->partner_id[0] && !learn_partner(connection, text, length)) return;
    if (is_measuring) {
        counts.messages++;
        add_latency(now_nanoseconds() - strtoull(digits, NULL, 10));
    }
    counts.answered++;
    if (options.mode == THROUGHPUT && !is_stopping) send_message(connection);
}

void received(struct connection *connection, const char *text, size_t length) {
    if (length > 12 && !memcmp(text, "{\"type\":\"offer\"", 15)) {
        relayed(connection, text, length);
    } else if (memmem(text, length, "first_to_join", 13)) {
        connection->was_told_first = true;
        struct connection *partner = connection->partner;
        if (options.mode == CONNECT) became_ready(connection);
        else if (partner->state == JOINING && !partner->has_joined) join(partner);
    } else if (memmem(text, length, "someone_joined", 14)) {
        if (connection->slot % 2 || !learn_partner(connection, text, length)) return;
        became_ready(connection);
        became_ready(connection->partner);
    }
}
