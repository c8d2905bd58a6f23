/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop without a thread, and clocks that stand still until the test moves them: it takes the
 * place of k8s/loop.c and k8s/base/clock.c in a unit test that includes it.
 */
#pragma once
#include <assert.h>
#include <poll.h>

#include "k8s/base/clock.h"
#include "k8s/loop.h"

static int64_t fake_now_ns = 1000 * CLOCK_NS_PER_S;
static int64_t fake_epoch_ns = 1800000000 * CLOCK_NS_PER_S;
static struct list fake_jobs = LIST_INIT(fake_jobs), fake_timers = LIST_INIT(fake_timers);
static struct list fake_fds = LIST_INIT(fake_fds);

int64_t clock_monotonic_ns(void)
{
	return fake_now_ns;
}

int64_t clock_realtime_ns(void)
{
	return fake_epoch_ns + fake_now_ns;
}

void loop_post(struct loop *l, struct loop_job *job)
{
	(void)l;
	list_push_back(&fake_jobs, &job->node);
}

bool loop_is_current(const struct loop *l)
{
	(void)l;
	return true;
}

void loop_timer_init(struct loop_timer *t, void (*fire)(struct loop_timer *t))
{
	list_init(&t->node);
	t->fire = fire;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ns)
{
	(void)l;
	assert(t->node.next); /* loop_timer_init() */
	list_remove(&t->node);
	t->at_ns = at_ns;
	struct list *after = fake_timers.prev;
	while (after != &fake_timers && list_entry(after, struct loop_timer, node)->at_ns > at_ns)
		after = after->prev;
	list_insert(&t->node, after);
}

void loop_timer_cancel(struct loop_timer *t)
{
	list_remove(&t->node);
}

void loop_fd_init(struct loop_fd *f, void (*ready)(struct loop_fd *f))
{
	*f = (struct loop_fd){ .fd = -1, .ready = ready };
	list_init(&f->node);
}

int loop_fd_watch(struct loop *l, struct loop_fd *f, int fd)
{
	(void)l;
	f->fd = fd;
	list_push_back(&fake_fds, &f->node);
	return 0;
}

void loop_fd_unwatch(struct loop *l, struct loop_fd *f)
{
	(void)l;
	list_remove(&f->node);
}

/* Waits for a watched descriptor, in real time; false: none can be read within ms. */
static inline bool fake_read(int ms)
{
	int each = 5;

	for (; ms > 0; ms -= each) {
		list_for_each(f, &fake_fds, struct loop_fd, node) {
			struct pollfd p = { .fd = f->fd, .events = POLLIN };

			if (poll(&p, 1, 0) <= 0)
				continue;
			f->ready(f);
			return true;
		}
		poll(NULL, 0, each);
	}
	return false;
}

/* Jobs, and timers that are due, until there are none. */
static inline void fake_run(void)
{
	for (;;) {
		if (!list_empty(&fake_jobs)) {
			struct loop_job *job = list_entry(fake_jobs.next, struct loop_job, node);
			list_remove(&job->node);
			job->run(job);
			continue;
		}
		if (list_empty(&fake_timers))
			return;
		struct loop_timer *t = list_entry(fake_timers.next, struct loop_timer, node);
		if (t->at_ns > fake_now_ns)
			return;
		list_remove(&t->node);
		t->fire(t);
	}
}

/* Lets ms go by, timer by timer. */
static inline void fake_advance(int64_t ms)
{
	int64_t end_ns = fake_now_ns + ms * CLOCK_NS_PER_MS;

	fake_run();
	while (!list_empty(&fake_timers)) {
		struct loop_timer *t = list_entry(fake_timers.next, struct loop_timer, node);
		if (t->at_ns > end_ns)
			break;
		if (t->at_ns > fake_now_ns)
			fake_now_ns = t->at_ns;
		fake_run();
	}
	fake_now_ns = end_ns;
	fake_run();
}
