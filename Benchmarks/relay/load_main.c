// A load generator for relays: of the classic dialect, or of NATS, as it is linked. A run prints
// one line of JSON on stdout. `load_classic` without arguments explains itself.
#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct options options = {
    .mode = THROUGHPUT, .host = "127.0.0.1", .token = "t", .client = "c", .rooms = 50,
    .in_flight = 1, .at_once = 32, .joiner = 1, .payload_bytes = 1200, .count = 2000, .per_second = 2000,
    .seconds = 2,
    .warmup_seconds = 0.5, .timeout_seconds = 60,
};
struct counts counts;
struct connection *connections;
uint32_t connection_count;
bool is_measuring, is_stopping;

static const char *mode_names[] = {"throughput", "paced", "connect", "idle", "join"};

void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    exit(2);
}

static uint64_t after(double seconds) {
    return now_nanoseconds() + (uint64_t)(seconds * 1e9);
}

static uint64_t error_count(void) {
    return counts.connect_errors + counts.http_errors + counts.protocol_errors +
           counts.content_errors + counts.closed_by_server;
}

// Opens them all, `at_once` at a time, until each has joined its room.
static double open_all(void) {
    uint64_t began = now_nanoseconds(), deadline = after(options.timeout_seconds);
    uint32_t next = 0;
    while (counts.ready < connection_count) {
        if (error_count()) fail("%s", "a connection failed while they were being opened");
        if (now_nanoseconds() > deadline)
            fail("only %lu of %u connections are ready in time", counts.ready, connection_count);
        while (next < connection_count && next < counts.ready + (uint64_t)options.at_once)
            open_connection(&connections[next++]);
        turn(20);
    }
    return (double)(now_nanoseconds() - began) / 1e9;
}

static void print_result(double seconds, double server_cpu) {
    printf("{\"mode\":\"%s\",\"operations\":%lu,\"per_second\":%.0f", mode_names[options.mode],
           counts.messages, (double)counts.messages / seconds);
    printf(",\"cpu_microseconds\":%.4f",
           counts.messages ? server_cpu * 1e6 / (double)counts.messages : 0);
    printf(",\"latency_microseconds\":{\"p50\":%.1f,\"p99\":%.1f}", latency_microseconds(0.5),
           latency_microseconds(0.99));
    printf(",\"errors\":%lu}\n", error_count());
}

static void run_throughput(void) {
    open_all();
    // Only the older of a pair knows the other's id; the younger learns it from the first message.
    for (uint32_t i = 0; i < connection_count; i += 2) {
        for (int n = 0; n < options.in_flight; n++) send_message(&connections[i]);
        flush(&connections[i]);
    }
    for (uint64_t end = after(options.warmup_seconds); now_nanoseconds() < end;) turn(20);
    double cpu = server_cpu_seconds();
    uint64_t began = now_nanoseconds(), end = after(options.seconds);
    is_measuring = true;
    while (now_nanoseconds() < end && !counts.closed_by_server) turn(20);
    is_measuring = false;
    cpu = server_cpu_seconds() - cpu;
    print_result((double)(now_nanoseconds() - began) / 1e9, cpu);
}

// Sends at a steady rate, whatever comes back, through one room after the other: what a message
// waits for is the relay, and not the messages before it. Where this process itself was held up, it
// goes on from there: a burst would measure nothing but itself.
static void run_paced(void) {
    open_all();
    const double interval = 1e9 / options.per_second;
    uint64_t measured_from = after(options.warmup_seconds), sent = 0;
    uint64_t end = measured_from + (uint64_t)(options.seconds * 1e9);
    double cpu = 0, due = (double)now_nanoseconds();
    for (uint64_t now; (now = now_nanoseconds()) < end && !counts.closed_by_server; turn(0)) {
        if (!is_measuring && now >= measured_from) {
            is_measuring = true;
            cpu = server_cpu_seconds();
        }
        if ((double)now < due) continue;
        due = (double)now < due + interval ? due + interval : (double)now + interval;
        struct connection *connection = &connections[2 * (sent++ % (connection_count / 2))];
        send_message(connection);
        flush(connection);
    }
    is_measuring = false;
    print_result(options.seconds, server_cpu_seconds() - cpu);
}

// Opens `count` connections, each of which joins a room of its own and closes again.
static void run_connect(void) {
    uint64_t began = now_nanoseconds(), deadline = after(options.timeout_seconds);
    double cpu = server_cpu_seconds();
    while (counts.ended < (uint64_t)options.count && now_nanoseconds() < deadline) {
        for (uint32_t i = 0; i < connection_count && counts.opened < (uint64_t)options.count; i++)
            if (connections[i].state == FREE) open_connection(&connections[i]);
        turn(20);
        if (error_count() > 100) break;
    }
    print_result((double)(now_nanoseconds() - began) / 1e9, server_cpu_seconds() - cpu);
}

// Holds the connections, reads the server's memory, and sends one message through every room.
static void run_idle(void) {
    long before = server_memory_kilobytes();
    open_all();
    for (uint64_t end = after(options.seconds); now_nanoseconds() < end;) turn(100);
    long held = server_memory_kilobytes();
    for (uint32_t i = 0; i < connection_count; i += 2) {
        send_message(&connections[i]);
        flush(&connections[i]);
        if (i % 256 == 0) turn(0);
    }
    for (uint64_t end = after(10); counts.answered < connection_count / 2;) {
        if (now_nanoseconds() > end) fail("%s", "a room lost its message");
        turn(20);
    }
    printf("{\"mode\":\"idle\",\"operations\":%u,\"bytes_per_connection\":%.0f,\"errors\":%lu}\n",
           connection_count, (double)(held - before) * 1024 / connection_count, error_count());
}

// One after the other, when all are connected: how long a joiner waits for its `ack`.
static void run_join(void) {
    open_all();
    uint64_t began = now_nanoseconds();
    for (uint32_t i = 0; i < connection_count; i++) {
        ask_to_join(&connections[i]);
        for (uint64_t end = after(10); counts.answered <= i;) {
            if (now_nanoseconds() > end || error_count()) fail("%s", "a join was not answered");
            turn(20);
        }
    }
    print_result((double)(now_nanoseconds() - began) / 1e9, 0);
}

static void explain(void) {
    fputs("load_classic --port P [--host 127.0.0.1] [--client C] [--server PID]\n"
          "  [--second-port P] [--second-server PID]   the second of each pair is at another node\n"
          "  --mode throughput  [--rooms 50] [--in-flight 1] [--seconds 2] [--payload 1200]\n"
          "  --mode paced       [--rooms 50] [--rate 2000] [--seconds 2] [--payload 1200]\n"
          "  --mode connect     [--count 2000] [--at-once 32]\n"
          "  --mode idle        [--count 2000] [--at-once 32] [--seconds 2]\n"
          "  --mode join --v1   [--count 2000] [--joiner 1]   of two in a room, who is measured\n"
          "  --v1 speaks that dialect, with an ack in each message.\n"
          "The token is read from the variable LOAD_TOKEN, so that ps does not show it.\n",
          stderr);
    exit(2);
}

static enum mode parse_mode(const char *name) {
    for (int i = 0; i < 5; i++)
        if (!strcmp(name, mode_names[i])) return (enum mode)i;
    explain();
    return THROUGHPUT;
}

static void parse(int argc, char **argv) {
    static const struct option flags[] = {
        {"port", 1, 0, 'p'}, {"host", 1, 0, 'h'}, {"client", 1, 0, 'c'}, {"server", 1, 0, 's'},
        {"mode", 1, 0, 'm'}, {"rooms", 1, 0, 'r'}, {"in-flight", 1, 0, 'f'}, {"count", 1, 0, 'n'},
        {"at-once", 1, 0, 'a'}, {"seconds", 1, 0, 't'}, {"payload", 1, 0, 'b'},
        {"rate", 1, 0, 'R'}, {"second-port", 1, 0, 'P'}, {"second-server", 1, 0, 'S'}, {"v1", 0, 0, 'v'}, {"joiner", 1, 0, 'j'}, {0}};
    if (getenv("LOAD_TOKEN")) options.token = getenv("LOAD_TOKEN");
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (flag) {
        case 'p': options.port = atoi(optarg); break;
        case 'P': options.second_port = atoi(optarg); break;
        case 'S': options.second_server = atoi(optarg); break;
        case 'v': options.is_v1 = true; break;
        case 'j': options.joiner = atoi(optarg); break;
        case 'h': options.host = optarg; break;
        case 'c': options.client = optarg; break;
        case 's': options.server = atoi(optarg); break;
        case 'm': options.mode = parse_mode(optarg); break;
        case 'r': options.rooms = atoi(optarg); break;
        case 'f': options.in_flight = atoi(optarg); break;
        case 'R': options.per_second = atof(optarg); break;
        case 'n': options.count = atol(optarg); break;
        case 'a': options.at_once = atoi(optarg); break;
        case 't': options.seconds = atof(optarg); break;
        case 'b': options.payload_bytes = atoi(optarg); break;
        default: explain();
        }
    }
    struct in_addr address;
    if (!options.port || inet_pton(AF_INET, options.host, &address) != 1) explain();
    if (ntohl(address.s_addr) >> 24 != 127) fail("%s", "only loopback addresses (127.0.0.0/8)");
    if (options.seconds > 300 || options.count > 60000 || options.count < 2 || options.rooms < 1)
        fail("%s", "a run is bounded to 300 s, 2 to 60,000 connections, and a room at least");
}

static void make_connections(void) {
    connection_count = (uint32_t)(options.mode == CONNECT      ? options.at_once
                                  : options.mode <= PACED      ? options.rooms * 2
                                                               : options.count / 2 * 2);
    struct rlimit files = {connection_count + 64, connection_count + 64}, now;
    getrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_max > files.rlim_max) files.rlim_max = now.rlim_max;
    if (now.rlim_cur < files.rlim_cur && setrlimit(RLIMIT_NOFILE, &files))
        fail("cannot raise the limit on open files to %u", connection_count + 64);
    connections = calloc(connection_count, sizeof *connections);
    for (uint32_t i = 0; i < connection_count; i++) {
        connections[i].descriptor = -1;
        connections[i].slot = i;
        connections[i].partner = &connections[options.mode == CONNECT ? i : i ^ 1];
    }
}

int main(int argc, char **argv) {
    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    make_connections();
    prepare_description(options.payload_bytes);
    start_loop();
    switch (options.mode) {
    case THROUGHPUT: run_throughput(); break;
    case PACED: run_paced(); break;
    case CONNECT: run_connect(); break;
    case IDLE: run_idle(); break;
    case JOIN: run_join(); break;
    }
    is_stopping = true;
    return error_count() ? 1 : 0;
}
