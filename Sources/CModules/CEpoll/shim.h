#pragma once
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// <pthread.h> hides it without _GNU_SOURCE.
int pthread_setname_np(pthread_t, const char *_Nonnull);

#include <sys/syscall.h>
#include <unistd.h>

// The processors that this thread may run on, one bit each: `syscall` is variadic, and the C
// library's own call is hidden without _GNU_SOURCE. Bytes filled, or -1.
static inline long usher_affinity(unsigned long *_Nonnull mask, unsigned long byteCount) {
    return syscall(SYS_sched_getaffinity, 0, byteCount, mask);
}

// <nss.h>: by which services the C library looks names up, in place of /etc/nsswitch.conf.
#include <nss.h>
static inline int usher_configure_lookup(const char *_Nonnull database, const char *_Nonnull how) {
    return __nss_configure_lookup(database, how);
}
