/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening unix socket inside the mount: who connects, and whether they may. ws thread.
 *
 * The kernel checks the socket's mode when somebody connects, but a bind mount or an ACL of the
 * outside may say more than the weaver's owner would: so the peer's credentials are looked at, too.
 */
#pragma once
#include <sys/socket.h>

#include "k8s/base/error.h"

struct listener;
struct ws;

struct listener_ops {
	/*
	 * Somebody has connected. Takes fd, which is non-blocking and close-on-exec. peer is as our
	 * own user and pid namespace sees it.
	 */
	void (*accepted)(void *data, int fd, const struct ucred *peer);
};

/* Takes fd: a unix stream socket that listens. ops and data are borrowed until listener_free(). */
int listener_new(struct ws *w, int fd, const struct listener_ops *ops, void *data,
		 struct listener **ret, struct error *e);
void listener_free(struct listener *l); /* NULL allowed */
