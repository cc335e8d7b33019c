// Clocks, latencies and what /proc says of the server.
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

// User and system time of all threads; the kernel counts in ticks of 10 ms.
static double cpu_seconds(int process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *file = process ? fopen(path, "r") : NULL;
    if (!file) return 0;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    const char *after_name = strrchr(text, ')');
    unsigned long user = 0, system = 0;
    if (after_name)
        sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double server_cpu_seconds(void) {
    return cpu_seconds(options.server) + cpu_seconds(options.second_server);
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
    return memory_kilobytes(options.server) + memory_kilobytes(options.second_server);
}
