// The floor for what nodes of a cluster do over NATS: libnats alone, set as a node sets it. One
// line of JSON on stdout.
//   bare_nats URL trip COUNT BYTES PER_SECOND   from one connection to another and back
//   bare_nats URL set COUNT BYTES [REPLICAS]    a compare-and-set, from absent, of a key of its own
// `set` makes a stream as a cluster has it, and takes it away again.
#include "load.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MILLISECONDS = 10000 };
static const char *stream = "KV_bare";

struct options options; // load_measure.c has a server's there; none is watched here

static void check(natsStatus status, const char *what) {
    if (status == NATS_OK) return;
    fprintf(stderr, "bare_nats: %s: %s\n", what, natsStatus_GetText(status));
    exit(2);
}

static natsConnection *open_nats(const char *url) {
    natsOptions *settings = NULL;
    natsConnection *connection = NULL;
    check(natsOptions_Create(&settings), "options");
    natsOptions_SetURL(settings, url);
    natsOptions_SetSendAsap(settings, true);
    natsOptions_UseGlobalMessageDelivery(settings, true);
    check(natsConnection_Connect(&connection, settings), "connect");
    natsOptions_Destroy(settings);
    return connection;
}

// MARK: There and back

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came_back = PTHREAD_COND_INITIALIZER;
static long back;

static void echo(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                 void *context) {
    (void)subscription, (void)context;
    natsConnection_Publish(connection, "bare.back", natsMsg_GetData(message),
                           natsMsg_GetDataLength(message));
    natsMsg_Destroy(message);
}

static void note(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                 void *context) {
    (void)connection, (void)subscription, (void)context;
    uint64_t sent;
    memcpy(&sent, natsMsg_GetData(message), sizeof sent);
    pthread_mutex_lock(&lock);
    add_latency(now_nanoseconds() - sent);
    back++;
    pthread_cond_signal(&came_back);
    pthread_mutex_unlock(&lock);
    natsMsg_Destroy(message);
}

static void trip(const char *url, long count, int bytes, double per_second) {
    natsConnection *one = open_nats(url), *other = open_nats(url);
    natsSubscription *there = NULL, *here = NULL;
    check(natsConnection_Subscribe(&there, other, "bare.there", echo, NULL), "subscribe");
    check(natsConnection_Subscribe(&here, one, "bare.back", note, NULL), "subscribe");
    check(natsConnection_Flush(one), "flush");
    check(natsConnection_Flush(other), "flush");
    char *message = calloc(1, (size_t)bytes);
    double due = (double)now_nanoseconds();
    for (long n = 0; n < count; n++) {
        while ((double)now_nanoseconds() < due) usleep(20);
        due = (double)now_nanoseconds() + 1e9 / per_second;
        uint64_t sent = now_nanoseconds();
        memcpy(message, &sent, sizeof sent);
        check(natsConnection_Publish(one, "bare.there", message, bytes), "publish");
    }
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += TIMEOUT_MILLISECONDS / 1000;
    pthread_mutex_lock(&lock);
    while (back < count)
        if (pthread_cond_timedwait(&came_back, &lock, &deadline)) check(NATS_TIMEOUT, "trip");
    pthread_mutex_unlock(&lock);
}

// MARK: Compare and set

static void ask(natsConnection *connection, const char *subject, const char *text) {
    natsMsg *answer = NULL;
    check(natsConnection_RequestString(&answer, connection, subject, text, TIMEOUT_MILLISECONDS),
          subject);
    if (strstr(natsMsg_GetData(answer), "\"error\"")) {
        fprintf(stderr, "bare_nats: %s\n", natsMsg_GetData(answer));
        exit(2);
    }
    natsMsg_Destroy(answer);
}

static void set(const char *url, long count, int bytes, int replicas) {
    natsConnection *connection = open_nats(url);
    char text[512], subject[64];
    snprintf(text, sizeof text,
             "{\"name\":\"%s\",\"subjects\":[\"$KV.bare.>\"],\"retention\":\"limits\","
             "\"storage\":\"file\",\"num_replicas\":%d,\"max_msgs_per_subject\":1,"
             "\"discard\":\"new\",\"allow_rollup_hdrs\":true,\"deny_delete\":true,"
             "\"allow_direct\":false}", stream, replicas);
    snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.%s", stream);
    ask(connection, subject, text);
    char *value = calloc(1, (size_t)bytes);
    for (long n = 0; n < count; n++) {
        natsMsg *message = NULL, *answer = NULL;
        snprintf(subject, sizeof subject, "$KV.bare.%ld", n);
        check(natsMsg_Create(&message, subject, NULL, value, bytes), "message");
        check(natsMsgHeader_Set(message, "Nats-Expected-Last-Subject-Sequence", "0"), "header");
        uint64_t began = now_nanoseconds();
        check(natsConnection_RequestMsg(&answer, connection, message, TIMEOUT_MILLISECONDS), "set");
        add_latency(now_nanoseconds() - began);
        natsMsg_Destroy(message);
        natsMsg_Destroy(answer);
    }
    snprintf(subject, sizeof subject, "$JS.API.STREAM.DELETE.%s", stream);
    ask(connection, subject, "");
}

int main(int argc, char **argv) {
    if (argc == 6 && !strcmp(argv[2], "trip"))
        trip(argv[1], atol(argv[3]), atoi(argv[4]), atof(argv[5]));
    else if ((argc == 5 || argc == 6) && !strcmp(argv[2], "set"))
        set(argv[1], atol(argv[3]), atoi(argv[4]), argc == 6 ? atoi(argv[5]) : 1);
    else
        return fputs("bare_nats URL trip COUNT BYTES PER_SECOND\n"
                     "bare_nats URL set COUNT BYTES [REPLICAS]\n", stderr), 2;
    printf("{\"p50\":%.1f,\"p99\":%.1f}\n", latency_microseconds(0.5), latency_microseconds(0.99));
    return 0;
}
