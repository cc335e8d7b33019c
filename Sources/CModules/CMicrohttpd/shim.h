#pragma once
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

// Variadic functions of libmicrohttpd and of the C library, made importable. No logic.

// <sys/socket.h> hides it without _GNU_SOURCE.
int accept4(int, struct sockaddr *, socklen_t *, int);

static inline int usher_accept(int listener, struct sockaddr_storage *name, socklen_t *size) {
  return accept4(listener, (struct sockaddr *)name, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// How many bytes of a socket are unread, or -1.
static inline int usher_unread(int socket) {
  int count = 0;
  return ioctl(socket, FIONREAD, &count) == 0 ? count : -1;
}

typedef void *(*usher_mhd_target_callback)(void *cls, const char *target,
                                           struct MHD_Connection *connection);
typedef size_t (*usher_mhd_unescape_callback)(void *cls, struct MHD_Connection *connection,
                                              char *text);

struct usher_mhd_callbacks {
  void *cls;
  MHD_LogCallback log;
  usher_mhd_target_callback target;
  usher_mhd_unescape_callback unescape;
  MHD_AccessHandlerCallback request;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connected;
};

static inline struct MHD_Daemon *usher_mhd_start(unsigned int flags,
                                                 const struct usher_mhd_callbacks *callbacks,
                                                 struct MHD_OptionItem *options) {
  return MHD_start_daemon(
      flags, 0, NULL, NULL, callbacks->request, callbacks->cls, MHD_OPTION_EXTERNAL_LOGGER,
      callbacks->log, callbacks->cls, MHD_OPTION_URI_LOG_CALLBACK, callbacks->target, callbacks->cls, MHD_OPTION_UNESCAPE_CALLBACK,
      callbacks->unescape, callbacks->cls, MHD_OPTION_NOTIFY_COMPLETED, callbacks->completed,
      callbacks->cls, MHD_OPTION_NOTIFY_CONNECTION, callbacks->connected, callbacks->cls,
      MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static inline int usher_mhd_epoll_descriptor(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

static inline const struct sockaddr *usher_mhd_peer(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

static inline void usher_mhd_release(struct MHD_UpgradeResponseHandle *handle) {
  MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

static inline size_t usher_mhd_header_size(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

static inline int usher_mhd_is_tls(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_PROTOCOL) != NULL;
}

static inline int usher_mhd_descriptor(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

static inline void *usher_mhd_visit(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}
