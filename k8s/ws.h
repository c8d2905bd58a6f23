/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ws thread: one libwebsockets service loop that carries the WebSocket connections of
 * channel.h, timers, and descriptors of ours (unix sockets); and jobs that other threads hand over.
 * All on it needs no lock; only ws_post() may be called from elsewhere.
 */
#pragma once
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct client;
struct ws;

/* A piece of work for the ws thread; embedded in its owner, free again when run() is called. */
struct ws_job {
	struct list node; /* LOCK_QUEUE */
	void (*run)(struct ws_job *job);
};

/* Fires once at its time; embedded in its owner, zeroed before its first use. */
struct ws_timer {
	lws_sorted_usec_list_t sul;
	void (*fire)(struct ws_timer *t);
};

/* A descriptor of ours; embedded in its owner. */
struct ws_fd {
	int fd;          /* borrowed; -1: not watched */
	uint32_t events; /* of epoll_ctl(2), level-triggered; EPOLLHUP and EPOLLERR always are */
	void (*ready)(struct ws_fd *f, uint32_t events);
};

/*
 * Borrows client, of which it takes credentials, and asks for the reasons of refused upgrades; both
 * on the client's loop. It must live until ws_detach().
 */
int ws_new(struct client *client, struct ws **ret, struct error *e);
/* Starts the thread, named `name` (at most 15 characters); signals are blocked in it. */
int ws_start(struct ws *w, const char *name, struct error *e);
/*
 * The end, in this order: ws_detach() on the client's loop, which cancels its calls; ws_stop(),
 * before which the owners of channels close them in a job; then loop_free(), and ws_free() at last,
 * since what was posted meanwhile still comes back. Channels that nobody owns any more, as those of
 * fs/into/command.c that end a process, are told by ws_free() that it is over.
 */
void ws_detach(struct ws *w);
void ws_stop(struct ws *w); /* jobs that are queued are still run, then the thread is joined */
void ws_free(struct ws *w); /* after ws_stop(), or never started */

void ws_post(struct ws *w, struct ws_job *job); /* any thread; order is kept */
/* Runs run() on the thread and waits for its end; from another one, while it is started. */
void ws_run(struct ws *w, void (*run)(void *data), void *data);
bool ws_is_current(const struct ws *w); /* for assertions */

/* ---- on the ws thread ---- */
bool ws_busy(const struct ws *w); /* there are channels, perhaps nobody's */
/* Arms or moves t: fires after delay_ms, never from inside this call. */
void ws_timer_set(struct ws *w, struct ws_timer *t, int64_t delay_ms,
		  void (*fire)(struct ws_timer *t));
void ws_timer_cancel(struct ws_timer *t);

/* Calls ready() while there is something of events; never from inside this call. 0 or -errno. */
int ws_fd_watch(struct ws *w, struct ws_fd *f, int fd, uint32_t events,
		void (*ready)(struct ws_fd *f, uint32_t events));
void ws_fd_change(struct ws *w, struct ws_fd *f, uint32_t events);
void ws_fd_unwatch(struct ws *w, struct ws_fd *f); /* before fd is closed; also unwatched */
