// Posts one form, or gets where the form is empty, again and again over connections that are kept
// alive; counts the answers. One line of JSON on stdout. The request's Authorization and Cookie are
// read from LOAD_AUTHORIZATION and LOAD_COOKIE. Ends after SECONDS, or after COUNT answers where
// that is given, and then without a warm-up.
//   load_http PORT TARGET FORM CONNECTIONS SECONDS SERVER_PID [COUNT]
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, ANSWER_BYTES = 16384 };

struct exchange {
    int descriptor;
    size_t length;
    char answer[ANSWER_BYTES];
};

struct options options;
static struct exchange exchanges[CONNECTIONS_MAX];
static char request[4096];
static size_t request_length;
static uint64_t answers, refusals;

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void ask(struct exchange *exchange) {
    exchange->length = 0;
    if (send(exchange->descriptor, request, request_length, 0) != (ssize_t)request_length)
        give_up("load_http: send");
}

// Whether the answer is whole: its head, and as many bytes as that announces.
static bool is_whole(struct exchange *exchange) {
    exchange->answer[exchange->length] = 0;
    char *end = strstr(exchange->answer, "\r\n\r\n");
    char *size = end ? strcasestr(exchange->answer, "\r\nContent-Length:") : NULL;
    if (!size) return false;
    size_t head = (size_t)(end - exchange->answer) + 4;
    return exchange->length >= head + strtoul(size + 17, NULL, 10);
}

static void readable(struct exchange *exchange) {
    ssize_t got = recv(exchange->descriptor, exchange->answer + exchange->length,
                       ANSWER_BYTES - 1 - exchange->length, 0);
    if (got <= 0) give_up("load_http: the server closed a connection");
    exchange->length += (size_t)got;
    if (!is_whole(exchange)) return;
    answers++;
    if (strncmp(exchange->answer, "HTTP/1.1 200", 12)) {
        if (!refusals++) fprintf(stderr, "load_http: %.60s\n", exchange->answer);
    }
    ask(exchange);
}

static void prepare_request(const char *target, const char *form) {
    const char *authorization = getenv("LOAD_AUTHORIZATION");
    const char *cookie = getenv("LOAD_COOKIE");
    if (!*form) {
        request_length = (size_t)snprintf(
            request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\n\r\n",
            target, cookie ? cookie : "");
        return;
    }
    request_length = (size_t)snprintf(
        request, sizeof request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%sContent-Length: %zu\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n%s",
        target, authorization ? "Authorization: " : "", authorization ? authorization : "",
        authorization ? "\r\n" : "", strlen(form), form);
}

static void serve_until(int loop, uint64_t end, uint64_t answers_max) {
    struct epoll_event events[CONNECTIONS_MAX];
    while (now_nanoseconds() < end && answers < answers_max) {
        int count = epoll_wait(loop, events, CONNECTIONS_MAX, 20);
        for (int i = 0; i < count; i++) readable(events[i].data.ptr);
    }
}

int main(int argc, char **argv) {
    if (argc != 7 && argc != 8)
        return fputs("load_http PORT TARGET FORM CONNECTIONS SECONDS PID [COUNT]\n", stderr), 2;
    prepare_request(argv[2], argv[3]);
    int count = atoi(argv[4]), loop = epoll_create1(0);
    double seconds = atof(argv[5]);
    uint64_t answers_max = argc == 8 ? strtoull(argv[7], NULL, 10) : UINT64_MAX;
    options.node_count = 1;
    options.nodes[0].process = atoi(argv[6]);
    if (count < 1 || count > CONNECTIONS_MAX || seconds > 300) return 2;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < count; i++) {
        exchanges[i].descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(exchanges[i].descriptor, (void *)&address, sizeof address))
            give_up("load_http: connect");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &exchanges[i]};
        epoll_ctl(loop, EPOLL_CTL_ADD, exchanges[i].descriptor, &event);
        ask(&exchanges[i]);
    }
    if (argc == 7) serve_until(loop, now_nanoseconds() + 300000000, UINT64_MAX); // warm-up
    uint64_t began = now_nanoseconds(), before = answers;
    struct cpu spent = cpu_seconds();
    serve_until(loop, began + (uint64_t)(seconds * 1e9), answers_max);
    double cpu = cpu_since(spent).nodes;
    double elapsed = (double)(now_nanoseconds() - began) / 1e9;
    uint64_t counted = answers - before;
    printf("{\"mode\":\"http\",\"operations\":%lu,\"per_second\":%.0f,\"cpu_microseconds\":%.3f,"
           "\"answers\":%lu,\"errors\":%lu}\n",
           counted, (double)counted / elapsed, counted ? cpu * 1e6 / (double)counted : 0, answers,
           refusals);
    return refusals ? 1 : 0;
}
