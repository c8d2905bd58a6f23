/* SPDX-License-Identifier: Apache-2.0 */
/* See pump.h. */
#include "tools/kubesim/pump.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"

void pump_init(struct pump *p, int fd)
{
	*p = (struct pump){ .fd = fd, .watch.fd = -1 };
}

void pump_done(struct pump *p)
{
	loop_unwatch(&p->watch);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	buf_done(&p->pending);
}

static void pump_run(struct pump *p);

static void pump_ready(struct loop_fd *f, uint32_t events)
{
	struct pump *p = container_of(f, struct pump, watch);
	(void)events;
	pump_run(p);
	if (p->pending.len == 0 && p->drained)
		p->drained(p); /* may free p */
}

static void pump_run(struct pump *p)
{
	while (p->fd >= 0 && p->pending.len) {
		ssize_t n = write(p->fd, p->pending.data, p->pending.len);
		if (n < 0 && errno == EAGAIN) {
			if (p->watch.fd < 0)
				loop_watch(&p->watch, p->fd, EPOLLOUT, pump_ready);
			return;
		}
		if (n <= 0) {
			pump_done(p); /* nobody reads any more */
			return;
		}
		buf_drop_front(&p->pending, (size_t)n);
	}
	loop_unwatch(&p->watch);
	buf_reset(&p->pending);
	if (p->ends)
		pump_done(p);
}

void pump_write(struct pump *p, const char *bytes, size_t len)
{
	if (p->fd < 0)
		return;
	buf_add(&p->pending, bytes, len);
	pump_run(p);
}

void pump_end(struct pump *p)
{
	p->ends = true;
	pump_run(p);
}
