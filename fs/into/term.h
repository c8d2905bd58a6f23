/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of k8s/base/wire.h: a connected socket of `weaver sh`, `exec` or `attach`
 * becomes a command in a weaver. ws thread.
 */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

#include "fs/into/command.h"
#include "k8s/base/wire.h"

struct terms; /* all sessions */
struct ws;

/* What a client has asked for, for whoever keeps a record; borrowed. */
struct term_request {
	enum wire_verb verb;
	bool tty;
	struct ucred peer;
};

struct term_ops {
	/*
	 * Whether and where: 0, or -errno and the sentence that the client prints (-ENOTCONN: not
	 * running; -EACCES: not the owner). The strings of ret must live until it returns to the
	 * caller's loop, ret_tty says whether the main process has a terminal (for WIRE_ATTACH).
	 */
	int (*resolve)(void *place, const struct term_request *request, struct command_target *ret,
		       bool *ret_tty, struct error *e);
	/*
	 * An attach has ended, and the server says Success, as it does when the process has ended,
	 * and when the node is lost. 0: the process has, *ret_exit_code is its own. -EAGAIN: that
	 * is not known. Else, and in the end, the sentence that the client prints.
	 */
	int (*main_ended)(void *place, int *ret_exit_code, struct error *e);
	/* The session is over, place is not used any more. */
	void (*released)(void *place);
};

int term_new(struct ws *w, const struct term_ops *ops, struct terms **ret, struct error *e);
/* Ends all sessions: their clients are told that the connection is lost. */
void term_free(struct terms *t);

/* Takes fd and place (given to ops; released() is called exactly once, also on failure). */
void term_accept(struct terms *t, int fd, const struct ucred *peer, void *place);
