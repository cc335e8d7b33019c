#pragma once
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// <pthread.h> hides it without _GNU_SOURCE.
int pthread_setname_np(pthread_t, const char *_Nonnull);
