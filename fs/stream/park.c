/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfuse calls an interrupt function with the request's own mutex held: on the fuse thread when
 * the INTERRUPT comes, or inside fuse_req_interrupt_func() when it came before. To reply there is a
 * use after free, since the reply frees the request that is locked. So it does one thing: it posts
 * the park's job. The job runs on the thread where the park lives, and there the owner takes the
 * request and answers EINTR.
 *
 * That also settles the order test, register, publish, test again: libfuse tests under the same
 * mutex when it registers, and a job posted by park_new() cannot run before that thread has
 * come out of the owner's function, hence not before the owner has put the park into its list.
 *
 * fuse_req_interrupt_func(req, NULL, NULL) waits for a callback that is running. After it, the job
 * is either posted for good or will never be; posted, it frees the park when it runs.
 */
#include "fs/stream/park.h"

#include <assert.h>
#include <stdlib.h>

static void park_signal(fuse_req_t req, void *data)
{
	struct park *p = data;

	(void)req;
	if (!__atomic_exchange_n(&p->posted, 1, __ATOMIC_ACQ_REL))
		p->post(p);
}

void park_run(struct park *p)
{
	if (p->released) {
		free(p);
		return;
	}
	__atomic_store_n(&p->posted, 0, __ATOMIC_RELEASE);
	p->interrupted(p);
}

struct park *park_begin(const struct park *how, fuse_req_t req)
{
	struct park *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	*p = *how;
	p->req = req;
	list_init(&p->node);
	fuse_req_interrupt_func(req, park_signal, p);
	return p;
}

static void park_loop_run(struct loop_job *job)
{
	park_run(container_of(job, struct park, job));
}

static void park_loop_post(struct park *p)
{
	loop_post(p->loop, &p->job);
}

struct park *park_new(struct loop *loop, fuse_req_t req, void (*interrupted)(struct park *p))
{
	const struct park how = {
		.interrupted = interrupted,
		.post = park_loop_post,
		.loop = loop,
		.job.run = park_loop_run,
	};

	return park_begin(&how, req);
}

fuse_req_t park_take(struct park *p)
{
	fuse_req_t req = p->req;

	if (!req)
		return NULL;
	p->req = NULL;
	list_remove(&p->node);
	fuse_req_interrupt_func(req, NULL, NULL);
	if (__atomic_load_n(&p->posted, __ATOMIC_ACQUIRE))
		p->released = true;
	else
		free(p);
	return req;
}
