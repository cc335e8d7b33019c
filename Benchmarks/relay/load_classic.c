// The classic dialect, and v1: rooms of two, whose members send each other an offer back and forth.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void queue_message(struct connection *connection, const char *bytes, size_t length) {
    queue_frame(connection, TEXT, bytes, length);
}

void prepare_message(struct connection *connection) {
    char before[256];
    snprintf(before, sizeof before,
             "{\"action\":\"send-payload\",\"target\":\"%s\",\"payload\":", connection->partner_id);
    prepare_around_payload(connection, before, options.is_v1 ? ",\"ack\":2}" : "}");
}

void ask_to_join(struct connection *connection) {
    char text[256];
    int length = snprintf(
        text, sizeof text,
        "{\"action\":\"join-room\",\"roomId\":\"load-%d-%u\",\"name\":\"peer %u\",\"id\":\"u%u\"%s}",
        getpid(), connection->room, connection->serial, connection->serial,
        options.is_v1 ? ",\"ack\":1" : "");
    connection->asked_at = now_nanoseconds();
    connection->has_joined = true;
    queue_message(connection, text, (size_t)length);
    flush(connection);
}

const char *protocol(void) {
    return options.is_v1 ? "Sec-WebSocket-Protocol: usher.v1\r\n" : "";
}

// A pair's first member joins at once, the second when the first was told that it is first.
void upgraded(struct connection *connection) {
    connection->state = JOINING;
    if (connection->slot < lasting_count)
        connection->room = options.mode == CONNECT ? connection->serial : connection->slot / 2;
    if (options.mode == JOIN) { // When its turn comes.
        counts.ready++;
        return;
    }
    bool is_first = options.mode == CONNECT || connection->slot % 2 == 0;
    if (is_first || connection->partner->was_told_first) ask_to_join(connection);
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
    if (!connection->partner_id[0] && !learn_partner(connection, text, length)) return;
    if (!count_relayed(connection, text, length)) return;
    if (options.mode == THROUGHPUT && !is_stopping) send_in_turn(connection);
}

void received(struct connection *connection, const char *text, size_t length) {
    if (length > 12 && !memcmp(text, "{\"type\":\"offer\"", 15)) {
        relayed(connection, text, length);
    } else if (memmem(text, length, "\"error\"", 7)) {
        end_connection(connection, &counts.protocol_errors, "refused");
    } else if (options.mode == JOIN) {
        if (!memmem(text, length, "{\"ack\":1}", 9)) return;
        counts.answered++;
        if (connection->slot % 2 != (uint32_t)(options.joiner == 2)) return;
        add_latency(now_nanoseconds() - connection->asked_at);
        counts.messages++;
    } else if (memmem(text, length, "first_to_join", 13)) {
        connection->was_told_first = true;
        struct connection *partner = connection->partner;
        if (options.mode == CONNECT) became_ready(connection);
        else if (partner->state == JOINING && !partner->has_joined) ask_to_join(partner);
    } else if (memmem(text, length, "someone_joined", 14)) {
        if (connection->slot % 2 || !learn_partner(connection, text, length)) return;
        became_ready(connection);
        became_ready(connection->partner);
    }
}
