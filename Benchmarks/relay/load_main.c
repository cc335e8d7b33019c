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
    .in_flight = 1, .at_once = 32, .joiner = 1, .payload_bytes = 1200, .count = 2000,
    .per_second = 2000, .seconds = 2, .warmup_seconds = 0.5, .timeout_seconds = 60,
};
struct counts counts;
struct connection *connections;
uint32_t connection_count, lasting_count;
bool is_measuring, is_stopping;

static const char *mode_names[] = {"throughput", "paced", "connect", "idle", "join"};
static const char *placement_names[] = {"apart", "random", "kept"};

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

// Until the servers have done what they still had to, which takes them a few seconds at most.
static void settle(void) {
    const double idle_share = 0.05;
    for (uint64_t end = after(10); now_nanoseconds() < end;) {
        struct cpu spent = cpu_seconds();
        uint64_t began = now_nanoseconds();
        while (now_nanoseconds() < began + 100000000) turn(20);
        spent = cpu_since(spent);
        if (spent.nodes + spent.brokers < idle_share * (double)(now_nanoseconds() - began) / 1e9)
            return;
    }
}

// Opens them all, `at_once` at a time, until each has joined its room.
static double open_all(void) {
    uint64_t began = now_nanoseconds(), deadline = after(options.timeout_seconds);
    uint32_t next = 0;
    while (counts.ready < lasting_count) {
        if (error_count()) fail("%s", "a connection failed while they were being opened");
        if (now_nanoseconds() > deadline)
            fail("only %lu of %u connections are ready in time", counts.ready, lasting_count);
        while (next < lasting_count && next < counts.ready + (uint64_t)options.at_once)
            open_connection(&connections[next++]);
        turn(20);
    }
    return (double)(now_nanoseconds() - began) / 1e9;
}

static double per_operation(double cpu) {
    return counts.messages ? cpu * 1e6 / (double)counts.messages : 0;
}

static void print_result(double seconds, struct cpu spent) {
    printf("{\"mode\":\"%s\",\"operations\":%lu,\"per_second\":%.0f", mode_names[options.mode],
           counts.messages, (double)counts.messages / seconds);
    printf(",\"cpu_microseconds\":%.4f,\"broker_cpu_microseconds\":%.4f",
           per_operation(spent.nodes), per_operation(spent.brokers));
    printf(",\"joins\":%lu,\"share_across_nodes\":%.4f", counts.joins,
           counts.messages ? (double)counts.across / (double)counts.messages : 0);
    printf(",\"latency_microseconds\":{\"p50\":%.1f,\"p99\":%.1f}", latency_microseconds(0.5),
           latency_microseconds(0.99));
    printf(",\"errors\":%lu}\n", error_count());
}

// Those two that are due come, join a room of their own and leave. They go around all pairs of
// nodes that rooms are at; while so many are still there that servers cannot keep up, none comes.
static void open_pairs(void) {
    static uint64_t due;
    static uint32_t pairs;
    uint64_t now = now_nanoseconds();
    if (options.joins_per_second <= 0 || now < due) return;
    due = (due ? due : now) + (uint64_t)(2e9 / options.joins_per_second);
    uint32_t place = pairs % ((connection_count - lasting_count) / 2);
    struct connection *pair = &connections[lasting_count + 2 * place];
    if (pair[0].state != FREE || pair[1].state != FREE) return;
    pair[0].room = pair[1].room = (uint32_t)options.rooms + pairs++;
    open_connection(&pair[0]);
    open_connection(&pair[1]);
}

static void run_throughput(void) {
    open_all();
    // Only the older of a pair knows the other's id; the younger learns it from the first message.
    for (uint32_t i = 0; i < lasting_count; i += 2) {
        for (int n = 0; n < options.in_flight; n++) send_message(&connections[i]);
        flush(&connections[i]);
    }
    uint64_t end = after(options.warmup_seconds);
    for (; now_nanoseconds() < end; open_pairs()) turn(1);
    struct cpu before = cpu_seconds();
    uint64_t began = now_nanoseconds();
    end = after(options.seconds);
    is_measuring = true;
    for (; now_nanoseconds() < end && !counts.closed_by_server; open_pairs()) turn(1);
    is_measuring = false;
    struct cpu spent = cpu_since(before);
    print_result((double)(now_nanoseconds() - began) / 1e9, spent);
}

// Sends at a steady rate, whatever comes back, through one room after the other: what a message
// waits for is the relay, and not the messages before it. Where this process itself was held up, it
// goes on from there: a burst would measure nothing but itself.
static void run_paced(void) {
    open_all();
    const double interval = 1e9 / options.per_second;
    uint64_t measured_from = after(options.warmup_seconds), sent = 0;
    uint64_t end = measured_from + (uint64_t)(options.seconds * 1e9);
    double due = (double)now_nanoseconds();
    struct cpu before = {0};
    for (uint64_t now; (now = now_nanoseconds()) < end && !counts.closed_by_server; turn(0)) {
        if (!is_measuring && now >= measured_from) {
            is_measuring = true;
            before = cpu_seconds();
        }
        open_pairs();
        if ((double)now < due) continue;
        due = (double)now < due + interval ? due + interval : (double)now + interval;
        struct connection *connection = &connections[2 * (sent++ % (lasting_count / 2))];
        send_message(connection);
        flush(connection);
    }
    is_measuring = false;
    print_result(options.seconds, cpu_since(before));
}

// Opens `count` connections, each of which joins a room of its own and closes again.
static void run_connect(void) {
    uint64_t began = now_nanoseconds(), deadline = after(options.timeout_seconds);
    struct cpu before = cpu_seconds();
    while (counts.ended < (uint64_t)options.count && now_nanoseconds() < deadline) {
        for (uint32_t i = 0; i < connection_count && counts.opened < (uint64_t)options.count; i++)
            if (connections[i].state == FREE) open_connection(&connections[i]);
        turn(20);
        if (error_count() > 100) break;
    }
    struct cpu spent = cpu_since(before);
    print_result((double)(now_nanoseconds() - began) / 1e9, spent);
}

// Holds the connections, reads what memory and CPU time they take, and sends one message through
// every room.
static void run_idle(void) {
    long before = server_memory_kilobytes();
    open_all();
    settle();
    struct cpu spent = cpu_seconds();
    for (uint64_t end = after(options.seconds); now_nanoseconds() < end;) turn(100);
    spent = cpu_since(spent);
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
    printf("{\"mode\":\"idle\",\"operations\":%u", connection_count);
    printf(",\"bytes_per_connection\":%.0f", (double)(held - before) * 1024 / connection_count);
    printf(",\"cpu_milliseconds_per_second\":%.3f,\"broker_cpu_milliseconds_per_second\":%.3f",
           spent.nodes * 1e3 / options.seconds, spent.brokers * 1e3 / options.seconds);
    printf(",\"errors\":%lu}\n", error_count());
}

// The first or the second member of each room, one after the other.
static void join_each(int member) {
    for (uint32_t i = (uint32_t)member - 1; i < connection_count; i += 2) {
        uint64_t before = counts.answered;
        ask_to_join(&connections[i]);
        for (uint64_t end = after(10); counts.answered == before;) {
            if (now_nanoseconds() > end || error_count()) fail("%s", "a join was not answered");
            turn(20);
        }
    }
}

// When all are connected: how long a joiner waits for its `ack`, and what that costs. All first
// members join before any second one, so that the CPU time is of one kind of joins.
static void run_join(void) {
    open_all();
    if (options.joiner == 2) join_each(1);
    settle();
    struct cpu before = cpu_seconds();
    uint64_t began = now_nanoseconds();
    join_each(options.joiner);
    struct cpu spent = cpu_since(before);
    print_result((double)(now_nanoseconds() - began) / 1e9, spent);
}

// Says goodbye, so that no session waits to be resumed, and leaves the servers idle: what the end
// of one run takes is no part of the next one.
static void close_all(void) {
    is_stopping = true;
    for (uint32_t i = 0; i < connection_count; i++)
        if (connections[i].state != FREE) say_goodbye(&connections[i]);
    for (uint64_t end = after(10); counts.ended < counts.opened && now_nanoseconds() < end;)
        turn(20);
    settle();
}

static void explain(void) {
    fputs("load_classic --node PORT[:PID] [--host 127.0.0.1] [--client C]\n"
          "  --node once more, up to three: several servers, as which rooms go around\n"
          "  --placement apart  or random, kept: of a room's second member, seen from its first\n"
          "  --broker PID       up to three, whose CPU time is given beside that of the nodes\n"
          "  --mode throughput  [--rooms 50] [--in-flight 1] [--seconds 2] [--payload 1200]\n"
          "  --mode paced       [--rooms 50] [--rate 2000] [--seconds 2] [--payload 1200]\n"
          "  --mode connect     [--count 2000] [--at-once 32]\n"
          "  --mode idle        [--count 2000] [--at-once 32] [--seconds 2]\n"
          "  --mode join --v1   [--count 2000] [--joiner 1]   of two in a room, who is measured\n"
          "  --joins 0 connections come, join and go each second while messages are measured\n"
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

static enum placement parse_placement(const char *name) {
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, placement_names[i])) return (enum placement)i;
    explain();
    return APART;
}

static void add_node(const char *text) {
    if (options.node_count == NODES_MAX) explain();
    struct node *node = &options.nodes[options.node_count++];
    if (sscanf(text, "%d:%d", &node->port, &node->process) < 1) explain();
}

static void add_broker(const char *text) {
    if (options.broker_count == BROKERS_MAX) explain();
    options.brokers[options.broker_count++] = atoi(text);
}

static void parse(int argc, char **argv) {
    static const struct option flags[] = {
        {"node", 1, 0, 'N'}, {"placement", 1, 0, 'P'}, {"broker", 1, 0, 'B'},
        {"host", 1, 0, 'h'}, {"client", 1, 0, 'c'}, {"mode", 1, 0, 'm'}, {"rooms", 1, 0, 'r'},
        {"in-flight", 1, 0, 'f'}, {"count", 1, 0, 'n'}, {"at-once", 1, 0, 'a'},
        {"seconds", 1, 0, 't'}, {"payload", 1, 0, 'b'}, {"rate", 1, 0, 'R'}, {"v1", 0, 0, 'v'},
        {"joiner", 1, 0, 'j'}, {"joins", 1, 0, 'J'}, {0}};
    if (getenv("LOAD_TOKEN")) options.token = getenv("LOAD_TOKEN");
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (flag) {
        case 'N': add_node(optarg); break;
        case 'P': options.placement = parse_placement(optarg); break;
        case 'B': add_broker(optarg); break;
        case 'v': options.is_v1 = true; break;
        case 'j': options.joiner = atoi(optarg); break;
        case 'h': options.host = optarg; break;
        case 'c': options.client = optarg; break;
        case 'm': options.mode = parse_mode(optarg); break;
        case 'r': options.rooms = atoi(optarg); break;
        case 'f': options.in_flight = atoi(optarg); break;
        case 'R': options.per_second = atof(optarg); break;
        case 'J': options.joins_per_second = atof(optarg); break;
        case 'n': options.count = atol(optarg); break;
        case 'a': options.at_once = atoi(optarg); break;
        case 't': options.seconds = atof(optarg); break;
        case 'b': options.payload_bytes = atoi(optarg); break;
        default: explain();
        }
    }
    struct in_addr address;
    if (!options.node_count || inet_pton(AF_INET, options.host, &address) != 1) explain();
    if (ntohl(address.s_addr) >> 24 != 127) fail("%s", "only loopback addresses (127.0.0.0/8)");
    if (options.seconds > 300 || options.count > 60000 || options.count < 2 || options.rooms < 1)
        fail("%s", "a run is bounded to 300 s, 2 to 60,000 connections, and a room at least");
}

// First members go around the nodes. Where rooms are a multiple of the nodes' number squared, second
// ones at random meet each node equally often at each: the shares of chance without its noise.
static int port_of(uint32_t slot) {
    uint32_t room = slot / 2, count = (uint32_t)options.node_count;
    if (slot % 2 && options.placement == APART) room++;
    if (slot % 2 && options.placement == RANDOM) room /= count;
    return options.nodes[room % count].port;
}

static void make_connections(void) {
    enum { BRIEF = 288 }; // Pairs are a multiple of the squares of two and three, as rooms are.
    lasting_count = (uint32_t)(options.mode == CONNECT ? options.at_once
                               : options.mode <= PACED ? options.rooms * 2
                                                       : options.count / 2 * 2);
    bool has_brief = options.mode <= PACED && options.joins_per_second > 0;
    connection_count = lasting_count + (has_brief ? BRIEF : 0);
    struct rlimit files = {connection_count + 64, connection_count + 64}, now;
    getrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_max > files.rlim_max) files.rlim_max = now.rlim_max;
    if (now.rlim_cur < files.rlim_cur && setrlimit(RLIMIT_NOFILE, &files))
        fail("cannot raise the limit on open files to %u", connection_count + 64);
    connections = calloc(connection_count, sizeof *connections);
    for (uint32_t i = 0; i < connection_count; i++) {
        connections[i].descriptor = -1;
        connections[i].slot = i;
        connections[i].port = port_of(i);
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
    int status = error_count() ? 1 : 0;
    close_all();
    return status;
}
