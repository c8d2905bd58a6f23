/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports/<n>: a connected unix socket, joined with a connection to a TCP port in a weaver. ws
 * thread.
 */
#pragma once
#include <stdint.h>

#include "fs/into/command.h"

struct forwards; /* all connections */
struct ws;

struct forward_ops {
	/* A connection is over; error is empty where nothing was wrong. place may go. */
	void (*ended)(void *place, const struct error *error);
};

int forward_new(struct ws *w, const struct forward_ops *ops, struct forwards **ret,
		struct error *e);
void forward_free(struct forwards *f); /* closes all; ended() is called for each */

/*
 * Takes fd. target's strings are copied; its container does not matter. ended() is called exactly
 * once. The peer's end of input cannot be told to the port (Kubernetes has no word for it): it is
 * the connection's end only when it closes both ways.
 */
void forward_accept(struct forwards *f, int fd, const struct command_target *target, uint16_t port,
		    void *place);
