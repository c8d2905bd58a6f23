/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec, attach and portforward of a pod: one WebSocket, whose messages begin with the number of a
 * channel (v4.channel.k8s.io; v5 adds the half-close FF N; kubelet pkg/cri/streaming, KEP-4006).
 * Everything is asynchronous and on the ws thread: no call of a function here calls back from
 * inside, and none may be made from elsewhere.
 *
 * Bytes flow under control in both ways. Out: at most channel_room() bytes are taken; when a caller
 * has found less room than it wanted, writable() says that there is some again. In: output() must
 * take what it gets, and channel_hold() makes the rest wait, up to the process in the weaver.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct ws;
struct channel;

enum channel_kind { CHANNEL_EXEC, CHANNEL_ATTACH, CHANNEL_FORWARD };

/* The streams of exec and attach by their numbers; a forward has but IN, and OUT both ways. */
enum channel_stream { CHANNEL_IN = 0, CHANNEL_OUT = 1, CHANNEL_ERR = 2 };

/* How it ended. */
struct channel_end {
	/*
	 * 0: exit_code is the process'. -ENOTCONN: the container is not running. -ECONNRESET: lost
	 * before the exit code came. Else why it never began: errno of the server's answer as of
	 * any call (status.h), -EHOSTUNREACH, -ETIMEDOUT, -EPROTO, -E2BIG; what runs is unknown
	 * after -ECONNRESET alone.
	 */
	int r;
	int exit_code;      /* 0–255; 127, 126: no such program, not executable, error says so */
	struct error error; /* the server's words; empty for a process that ended by itself */
};

struct channel_ops {
	/* The server has accepted; what runs in the container may still fail. May be NULL. */
	void (*opened)(void *data);
	/* stream is CHANNEL_OUT or CHANNEL_ERR; a message may come in several calls. */
	void (*output)(void *data, enum channel_stream stream, const char *bytes, size_t len);
	void (*writable)(void *data);
	/* Exactly once, unless it is closed before; the channel is gone when it returns. */
	void (*ended)(void *data, const struct channel_end *end);
};

struct channel_spec {
	enum channel_kind kind;
	const char *namespace_, *pod, *container; /* a forward has no container */
	/*
	 * Exec: the program and its arguments, NULL at the end. Short: libwebsockets cuts the
	 * request line at 2,048 bytes, and over CHANNEL_PATH_MAX is -E2BIG.
	 */
	const char *const *argv;
	bool in, out, err, tty; /* streams wanted; with tty there is no err */
	unsigned rows, cols;    /* with tty: its size at the start; 0: as the server has it */
	uint16_t port;          /* forward */
	const struct channel_ops *ops; /* borrowed, as data, until ended() or channel_close() */
	void *data;
};

#define CHANNEL_PATH_MAX 2000
/* Room for this much when nothing is queued. */
#define CHANNEL_ROOM_MAX (256U << 10)

/* Strings are copied. -E2BIG, -ENOMEM; all else comes through ended(). */
int channel_open(struct ws *w, const struct channel_spec *spec, struct channel **ret,
		 struct error *e);
/*
 * Drops the connection at once, with all that is queued; ended() is not called. Without a terminal
 * the process of an exec goes on: fs/into/command.h ends it. NULL allowed.
 */
void channel_close(struct channel *c);

/* How many bytes channel_send() takes now; before opened() too. */
size_t channel_room(struct channel *c);
/* Queues len bytes, at most channel_room(), for the process' input or the port. */
void channel_send(struct channel *c, const char *bytes, size_t len);
/*
 * After what is queued, the end of input. An attach is never told, for it would end at once, and
 * the process learns nothing; nor a forward, which cannot say it; nor a server of v4, where only
 * closing ends input. False: it cannot be said here; of v4 that is known from opened() on.
 */
bool channel_end_input(struct channel *c);
/* Sends what is queued, closes the connection, and calls ended() with whatever is known then. */
void channel_finish(struct channel *c);
void channel_resize(struct channel *c, unsigned rows, unsigned cols);
void channel_hold(struct channel *c, bool hold);
/* Everything sent has been handed to the kernel. */
bool channel_drained(const struct channel *c);
