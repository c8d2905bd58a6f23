/* SPDX-License-Identifier: Apache-2.0 */
/* See loop.h. */
#include "tools/kubesim/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"

static struct lws_context *loop_context;
static int loop_epoll = -1;

/*
 * One event at a time: a callback may free any other loop_fd, and an event fetched earlier would
 * then point at freed memory. The bound keeps a chatty pod from starving the API.
 */
static void loop_drain(void)
{
	for (int i = 0; i < 64; i++) {
		struct epoll_event event;
		if (epoll_wait(loop_epoll, &event, 1, 0) != 1)
			return;
		struct loop_fd *f = event.data.ptr;
		f->ready(f, event.events);
	}
}

static int loop_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
			 size_t len)
{
	(void)wsi;
	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		loop_drain();
	return 0;
}

const struct lws_protocols loop_protocol = { "kubesim-loop", loop_callback, 0, 0, 0, NULL, 0 };

int loop_init(struct lws_context *context, struct lws_vhost *vhost, struct error *e)
{
	loop_context = context;
	loop_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop_epoll < 0)
		return error_set(e, errno, "epoll_create1: %s", strerror(errno));
	lws_sock_file_fd_type fd = { .filefd = loop_epoll };
	if (!lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, loop_protocol.name,
					NULL))
		return error_set(e, EIO, "libwebsockets: cannot adopt the epoll descriptor");
	return 0;
}

void loop_done(void)
{
	loop_context = NULL; /* the descriptor was closed with libwebsockets' context */
	loop_epoll = -1;
}

int loop_watch(struct loop_fd *f, int fd, uint32_t events,
	       void (*ready)(struct loop_fd *, uint32_t))
{
	f->fd = fd;
	f->ready = ready;
	struct epoll_event event = { .events = events, .data.ptr = f };
	if (epoll_ctl(loop_epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	f->fd = -1;
	return -errno;
}

void loop_unwatch(struct loop_fd *f)
{
	if (f->fd >= 0 && f->ready)
		epoll_ctl(loop_epoll, EPOLL_CTL_DEL, f->fd, NULL);
	f->fd = -1;
	f->ready = NULL;
}

static void loop_timer_fired(lws_sorted_usec_list_t *sul)
{
	struct loop_timer *t = lws_container_of(sul, struct loop_timer, sul);
	t->fire(t);
}

void loop_timer_set(struct loop_timer *t, int64_t delay_ms, void (*fire)(struct loop_timer *))
{
	t->fire = fire;
	lws_sul_schedule(loop_context, 0, &t->sul, loop_timer_fired,
			 (delay_ms + 1) * LWS_US_PER_MS);
}

void loop_timer_stop(struct loop_timer *t)
{
	lws_sul_cancel(&t->sul);
}

bool loop_timer_active(const struct loop_timer *t)
{
	return !lws_dll2_is_detached(&t->sul.list);
}
