// Clocks, latencies and what /proc says of the server.
#include "load.h"

#include <stdio.h>
#include <time.h>

uint64_t now_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// A histogram with 64 steps for each power of two: under 1.6 % error.
enum { STEPS = 64, OCTAVES = 64 };
static uint64_t histogram[STEPS * OCTAVES], latency_count, latency_max;

void add_latency(uint64_t nanoseconds) {
    if (nanoseconds > latency_max) latency_max = nanoseconds;
    latency_count++;
    uint64_t scaled = nanoseconds, octave = 0;
    while (scaled >= 2 * STEPS) scaled >>= 1, octave++;
    histogram[nanoseconds < 2 * STEPS ? nanoseconds : octave * STEPS + scaled]++;
}

double latency_microseconds(double quantile) {
    uint64_t wanted = (uint64_t)(quantile * (double)latency_count), seen = 0;
    for (uint64_t i = 0; i < STEPS * OCTAVES; i++) {
        seen += histogram[i];
        if (seen <= wanted) continue;
        if (i < 2 * STEPS) return (double)i / 1e3;
        uint64_t octave = i / STEPS - 1, step = i - octave * STEPS;
        return (double)((step << octave) + ((1ull << octave) >> 1)) / 1e3;
    }
    return (double)latency_max / 1e3;
}

// User and system time of all threads: the clock that the kernel has of each process.
static double process_seconds(int process) {
    clockid_t clock;
    struct timespec time;
    if (!process || clock_getcpuclockid(process, &clock) || clock_gettime(clock, &time)) return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct cpu cpu_seconds(void) {
    struct cpu sum = {0};
    for (int i = 0; i < options.node_count; i++)
        sum.nodes += process_seconds(options.nodes[i].process);
    for (int i = 0; i < options.broker_count; i++)
        sum.brokers += process_seconds(options.brokers[i]);
    return sum;
}

struct cpu cpu_since(struct cpu before) {
    struct cpu now = cpu_seconds();
    return (struct cpu){now.nodes - before.nodes, now.brokers - before.brokers};
}

static long memory_kilobytes(int process) {
    char path[64], line[256];
    long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", process);
    FILE *file = process ? fopen(path, "r") : NULL;
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &kilobytes);
    fclose(file);
    return kilobytes;
}

long server_memory_kilobytes(void) {
    long sum = 0;
    for (int i = 0; i < options.node_count; i++) sum += memory_kilobytes(options.nodes[i].process);
    return sum;
}
