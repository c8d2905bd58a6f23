/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command in a weaver: a new process, or its main one. A channel (k8s/channel.h) with what users
 * expect and Kubernetes does not give: arguments of any length and content, and an end of the
 * command when its reader has gone, where a dropped exec would run on for ever. ws thread; nothing
 * calls back from inside.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "k8s/channel.h"

struct command;
struct ws;

/* Where. Strings are copied. */
struct command_target {
	const char *namespace_, *pod, *container;
};

struct command_ops {
	void (*output)(void *data, enum channel_stream stream, const char *bytes, size_t len);
	void (*writable)(void *data); /* there is room again; also the first time */
	/*
	 * As of a channel; -ECONNRESET also where the server says Success and the output is not
	 * whole. A process that leaves others behind has ended when they have closed its output.
	 * It is gone when this returns.
	 */
	void (*ended)(void *data, const struct channel_end *end);
};

struct command_spec {
	struct command_target target;
	/* The program and its arguments, NULL at the end; copied. NULL: attach to the main process,
	 * tty then says whether that has a terminal. */
	const char *const *argv;
	bool input_only; /* attach: nothing of what it prints */
	bool tty;
	const char *term;    /* $TERM of a new process with a terminal; "": as it is there */
	unsigned rows, cols; /* 0: unknown */
	const struct command_ops *ops; /* borrowed, as data, until ended() or command_close() */
	void *data;
};

/*
 * 0, -ENOMEM, or -E2BIG: with a terminal the arguments must fit into a request line, about 1,500
 * bytes encoded; without one there is no limit but the kernel's.
 */
int command_start(struct ws *w, const struct command_spec *spec, struct command **ret,
		  struct error *e);
/*
 * ended() is not called. A new process is ended with its session: SIGTERM, and SIGKILL 3 s later;
 * one with a terminal gets the hangup. What we attached to goes on. NULL allowed.
 */
void command_close(struct command *c);

/* As command_close(), after all that was sent; for what we attached to. */
void command_finish(struct command *c);

/* It is somebody else's from now on. */
void command_adopt(struct command *c, const struct command_ops *ops, void *data);

size_t command_room(struct command *c);
void command_send(struct command *c, const char *bytes, size_t len);
/* False: this server or process cannot be told; see channel_end_input(). */
bool command_end_input(struct command *c);
bool command_drained(const struct command *c); /* it has begun, and all is with the kernel */
void command_resize(struct command *c, unsigned rows, unsigned cols);
void command_hold(struct command *c, bool hold);
