// What the parts of the load generator share. One thread, one epoll loop, loopback only.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode { THROUGHPUT, PACED, CONNECT, IDLE, JOIN };
enum opcode { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum placement { APART, RANDOM, KEPT };
enum state { FREE, CONNECTING, UPGRADING, JOINING, READY, CLOSING };

// Bytes that grow at the end and are taken from the front.
struct buffer {
    char *bytes;
    size_t length, capacity, taken;
};

struct connection {
    int descriptor, port;
    enum state state;
    bool awaits_writable, is_checked, was_told_first, has_joined;
    uint32_t slot, serial; // its place in the table; its number among all ever opened
    uint32_t room;
    struct connection *partner; // the other member of its room
    uint64_t opened_at, asked_at;
    struct buffer input, output;
    struct buffer stream; // where a dialect's messages are not frames
    char partner_id[96]; // the partner's connection id, as the relay spells it
    char *message;       // prepared send-payload, with a place for the time it was sent
    size_t message_length, time_offset;
};

enum { NODES_MAX = 3, BROKERS_MAX = 3 };

// One of the servers that share the load; without a process its CPU time is not read.
struct node {
    int port, process;
};

// Of the nodes, and of the processes by which they reach each other.
struct cpu {
    double nodes, brokers;
};

struct options {
    enum mode mode;
    const char *host, *token, *client;
    struct node nodes[NODES_MAX];
    int brokers[BROKERS_MAX], node_count, broker_count;
    enum placement placement; // of the second member of a room
    int rooms, in_flight, at_once, payload_bytes;
    bool is_v1; // with an `ack` in each message
    int joiner; // whose joins are measured: the first of each room, or the second
    long count;
    double per_second; // of all messages, when paced
    double joins_per_second; // of connections that come and go meanwhile
    double seconds, warmup_seconds, timeout_seconds;
};

struct counts {
    uint64_t messages, across, opened, ready, ended, answered, joins;
    uint64_t connect_errors, http_errors, protocol_errors, content_errors, closed_by_server;
};

extern struct options options;
extern struct counts counts;
extern struct connection *connections;
extern uint32_t connection_count, lasting_count; // those that last come first
extern bool is_measuring, is_stopping;

// load_main.c
__attribute__((noreturn)) void fail(const char *format, ...);

// load_measure.c
uint64_t now_nanoseconds(void);
void add_latency(uint64_t nanoseconds);
double latency_microseconds(double quantile);
struct cpu cpu_seconds(void);
struct cpu cpu_since(struct cpu before);
long server_memory_kilobytes(void);

// load_socket.c
void append(struct buffer *buffer, const void *bytes, size_t length);
void open_connection(struct connection *connection);
void queue_frame(struct connection *connection, enum opcode opcode, const char *payload,
                 size_t length);
bool flush(struct connection *connection);
void say_goodbye(struct connection *connection);
void end_connection(struct connection *connection, uint64_t *counter, const char *why);
void turn(int wait_milliseconds);
void start_loop(void);

// load_message.c
void prepare_description(int bytes);
size_t payload_length(void);
void prepare_around_payload(struct connection *connection, const char *before, const char *after);
void send_message(struct connection *connection);
void send_in_turn(struct connection *connection);
const char *find(const char *text, size_t length, const char *key, size_t *found);
bool count_relayed(struct connection *connection, const char *text, size_t length);
void became_ready(struct connection *connection);

// A dialect: load_classic.c or load_nats.c
void queue_message(struct connection *connection, const char *bytes, size_t length);
void prepare_message(struct connection *connection);
const char *protocol(void); // a header field of the handshake
void upgraded(struct connection *connection);
void ask_to_join(struct connection *connection);
void received(struct connection *connection, const char *text, size_t length);
