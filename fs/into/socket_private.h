/* SPDX-License-Identifier: Apache-2.0 */
/* What socket.c and socket_helper.c share. */
#pragma once
#include "fs/into/socket.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"
#include "k8s/ws.h"

struct listener;
struct poke_process;

enum socket_state { SOCKET_UNBOUND, SOCKET_BINDING, SOCKET_BOUND, SOCKET_CLOSING };

struct socket_entry {
	struct list node; /* sockets.all */
	struct sockets *sockets;
	struct socket_use use;
	/* sockets.lock */
	enum socket_state state;
	int64_t used_ns;      /* CLOCK_MONOTONIC, the last look-up or connection */
	unsigned connections; /* that have not ended */
	/* cluster thread */
	struct list waiters; /* struct waiter */
	bool queued;         /* is to be bound when the helper is free */
	/* handed from the cluster thread to the ws thread by open_job, and back by closed_job */
	int fd;
	struct listener *listener; /* ws thread */
	struct ws_job open_job, close_job;
	struct loop_job closed_job;
};

struct sockets {
	struct weaverfs *fs;
	const struct socket_ops *ops;
	/* cluster thread */
	struct poke_process *helper;
	bool idle; /* the helper may be given a command */
	struct loop_timer tick;
	struct error why; /* there is no helper */
	bool closed;      /* ws thread: nothing listens any more */

	struct lock lock; /* LOCK_LEAF, guards what follows, and members that say so */
	struct list all;  /* struct socket_entry */
	pid_t pid;        /* of the helper; 0: none that is to be heeded */
	struct socket_entry *binding;
	unsigned sequence; /* the name that it is bound by */
};

/* socket.c */
/* Entry and attributes of what is there now; the look-up of an alias has been counted. */
void socket_reply(struct sockets *s, fuse_req_t req, fuse_ino_t ino, const struct caller *caller);
/* All look-ups that wait for it; e NULL: it is bound. Cluster thread. */
void socket_answer(struct socket_entry *k, const struct error *e);

/* socket_helper.c, cluster thread */
/* Gives the helper the next one that is queued, if it is idle. */
void socket_helper_bind_next(struct sockets *s);
