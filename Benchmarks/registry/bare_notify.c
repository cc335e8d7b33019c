// The floor for a change that another node hears of: libpq alone. One connection listens; the other
// notifies, COUNT times, each once the one before was heard. Measured from the notification's
// statement to its arrival. One line of JSON on stdout.
//   bare_notify URL COUNT
#include "load.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MILLISECONDS = 10000 };

struct options options; // load_measure.c has a server's there; none is watched here

static PGconn *open_database(const char *url) {
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) == CONNECTION_OK) return connection;
    fputs(PQerrorMessage(connection), stderr);
    exit(2);
}

static void run(PGconn *connection, const char *sql) {
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fputs(PQerrorMessage(connection), stderr);
        exit(2);
    }
    PQclear(result);
}

static void await_notification(PGconn *connection) {
    for (;;) {
        PGnotify *notification = PQnotifies(connection);
        if (notification) return PQfreemem(notification);
        struct pollfd readable = {.fd = PQsocket(connection), .events = POLLIN};
        if (poll(&readable, 1, TIMEOUT_MILLISECONDS) == 1 && PQconsumeInput(connection)) continue;
        fputs("bare_notify: nothing was heard\n", stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return fputs("bare_notify URL COUNT\n", stderr), 2;
    PGconn *listener = open_database(argv[1]), *notifier = open_database(argv[1]);
    run(listener, "LISTEN change");
    for (long left = atol(argv[2]); left > 0; left--) {
        uint64_t began = now_nanoseconds();
        run(notifier, "NOTIFY change");
        await_notification(listener);
        add_latency(now_nanoseconds() - began);
    }
    printf("{\"p50\":%.1f,\"p99\":%.1f}\n", latency_microseconds(0.5), latency_microseconds(0.99));
    PQfinish(notifier);
    PQfinish(listener);
    return 0;
}
