// Answers WebSocket streams as the echo of Tests/SocketLoopTests would, through the library wslay,
// so that a test can compare the two.
//
// Standard input: streams, each a length (4 bytes, big-endian) and what a client sends after its
// handshake. Standard output: for each stream a length and what the server sends.
//
//   cc -O2 -Wall -Wextra -o wslay_echo wslay_echo.c -lwslay
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <wslay/wslay.h>

struct stream {
    uint8_t *in;
    size_t in_length, in_used, in_allowed;
    uint8_t *out;
    size_t out_length, out_room;
};

static void fail(const char *what) {
    fprintf(stderr, "wslay_echo: %s\n", what);
    exit(1);
}

static ssize_t give(wslay_event_context_ptr context, uint8_t *buffer, size_t room, int flags,
                    void *user) {
    (void)flags;
    struct stream *stream = user;
    size_t count = stream->in_allowed - stream->in_used;
    if (count > room) count = room;
    if (count == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buffer, stream->in + stream->in_used, count);
    stream->in_used += count;
    return (ssize_t)count;
}

static ssize_t take(wslay_event_context_ptr context, const uint8_t *bytes, size_t count, int flags,
                    void *user) {
    (void)context;
    (void)flags;
    struct stream *stream = user;
    while (stream->out_length + count > stream->out_room) {
        stream->out_room = stream->out_room ? 2 * stream->out_room : 65536;
        stream->out = realloc(stream->out, stream->out_room);
        if (!stream->out) fail("no memory");
    }
    memcpy(stream->out + stream->out_length, bytes, count);
    stream->out_length += count;
    return (ssize_t)count;
}

// Text comes back in angle brackets, binary as it is.
static void received(wslay_event_context_ptr context,
                     const struct wslay_event_on_msg_recv_arg *message, void *user) {
    (void)user;
    if (wslay_is_ctrl_frame(message->opcode)) return;
    size_t more = message->opcode == WSLAY_TEXT_FRAME ? 1 : 0;
    uint8_t *copy = malloc(message->msg_length + 2 * more + 1);
    if (!copy) fail("no memory");
    copy[0] = '<';
    if (message->msg_length) memcpy(copy + more, message->msg, message->msg_length);
    copy[message->msg_length + more] = '>';
    struct wslay_event_msg answer = {message->opcode, copy, message->msg_length + 2 * more};
    wslay_event_queue_msg(context, &answer);
    free(copy);
}

// A byte at a time, so that answers come in the order of what they answer.
static void run(struct stream *stream, uint64_t longest) {
    struct wslay_event_callbacks callbacks = {give, take, NULL, NULL, NULL, NULL, received};
    wslay_event_context_ptr context;
    if (wslay_event_context_server_init(&context, &callbacks, stream) != 0) fail("no context");
    wslay_event_config_set_max_recv_msg_length(context, longest);
    while (stream->in_allowed < stream->in_length && wslay_event_want_read(context)) {
        stream->in_allowed++;
        // What ended it is in the close frame that is sent last.
        int status = wslay_event_recv(context);
        while (wslay_event_want_write(context))
            if (wslay_event_send(context) != 0) fail("an answer could not be sent");
        if (status != 0) break;
    }
    wslay_event_context_free(context);
}

static int read_length(uint32_t *length) {
    uint8_t bytes[4];
    size_t count = fread(bytes, 1, 4, stdin);
    if (count == 0) return 0;
    if (count < 4) fail("the input ends within a length");
    *length = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
              bytes[3];
    return 1;
}

int main(int count, char **arguments) {
    if (count != 2) fail("usage: wslay_echo LONGEST_MESSAGE");
    uint64_t longest = strtoull(arguments[1], NULL, 10);
    uint32_t length;
    while (read_length(&length)) {
        struct stream stream = {0};
        stream.in = malloc(length ? length : 1);
        stream.in_length = length;
        if (!stream.in || fread(stream.in, 1, length, stdin) != length) fail("a stream is cut");
        run(&stream, longest);
        uint8_t head[4] = {(uint8_t)(stream.out_length >> 24), (uint8_t)(stream.out_length >> 16),
                           (uint8_t)(stream.out_length >> 8), (uint8_t)stream.out_length};
        fwrite(head, 1, 4, stdout);
        fwrite(stream.out, 1, stream.out_length, stdout);
        free(stream.in);
        free(stream.out);
    }
    return 0;
}
