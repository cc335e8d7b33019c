#pragma once
#include <nats/nats.h>

// What is freed stays with the process, up to so many bytes at the end of each of its heaps, and
// only blocks of more than `large` bytes come from the kernel one by one.
#include <malloc.h>
static inline void usher_keep_freed(int bytes, int large) {
    mallopt(M_TRIM_THRESHOLD, bytes);
    mallopt(M_MMAP_THRESHOLD, large);
}
