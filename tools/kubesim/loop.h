/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread's event loop is libwebsockets'. Pipes, ptys, pidfds and probe sockets are gathered
 * in an epoll set, and that set is the only foreign file descriptor libwebsockets is given: so no
 * object here has to follow the life-cycle of a `struct lws`. Timers are libwebsockets' own.
 */
#pragma once
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct loop_fd {
	int fd;                                            /* borrowed; -1: not watched */
	void (*ready)(struct loop_fd *f, uint32_t events); /* EPOLL*; may free f */
};

struct loop_timer {
	lws_sorted_usec_list_t sul;
	void (*fire)(struct loop_timer *t); /* the timer is off again; may free t */
};

extern const struct lws_protocols loop_protocol; /* goes into the vhost's list of protocols */

int loop_init(struct lws_context *context, struct lws_vhost *vhost, struct error *e);
void loop_done(void);

int loop_watch(struct loop_fd *f, int fd, uint32_t events,
	       void (*ready)(struct loop_fd *, uint32_t));
void loop_unwatch(struct loop_fd *f); /* does not close; safe when not watched */

void loop_timer_set(struct loop_timer *t, int64_t delay_ms, void (*fire)(struct loop_timer *));
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_active(const struct loop_timer *t);
