/* SPDX-License-Identifier: Apache-2.0 */
/* Parks of the ws thread; see park.c. */
#include "fs/stream/park.h"

static void park_ws_run(struct ws_job *job)
{
	park_run(container_of(job, struct park, ws_job));
}

static void park_ws_post(struct park *p)
{
	ws_post(p->ws, &p->ws_job);
}

struct park *park_ws_new(struct ws *ws, fuse_req_t req, void (*interrupted)(struct park *p))
{
	const struct park how = {
		.interrupted = interrupted,
		.post = park_ws_post,
		.ws = ws,
		.ws_job.run = park_ws_run,
	};

	return park_begin(&how, req);
}
