/* SPDX-License-Identifier: Apache-2.0 */
/* The source of `logs`: k8s/log_stream.h, of the main container. */
#include "fs/logs/log_source.h"

#include <string.h>

#include "fs/logs/log_file.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/pod.h"

static const char *logs_id(const struct pod *pod)
{
	return pod_main(pod)->id;
}

/* An evicted pod may have no state of a container that it never made. */
static bool logs_over(const struct pod *pod)
{
	const struct pod_container *c = pod_main(pod);

	return c->state == POD_STATE_TERMINATED ||
	       (c->state != POD_STATE_RUNNING &&
		(strcmp(pod->phase, "Failed") == 0 || strcmp(pod->phase, "Succeeded") == 0));
}

static int logs_start(struct log_file *f, const struct log_stream_ops *ops, void **ret,
		      struct error *e)
{
	struct log_stream_spec spec = {
		.client = f->fs->client,
		.namespace_ = f->pod->namespace_,
		.pod = f->pod->name,
		.container = pod_main(f->pod)->name,
		.from = f->position,
		.ops = ops,
		.data = f,
	};
	struct log_stream *stream;
	int r = log_stream_start(&spec, &stream, e);

	if (r == 0)
		*ret = stream;
	return r;
}

static void logs_stop(void *stream)
{
	log_stream_stop(stream);
}

static void logs_refresh(void *stream)
{
	log_stream_refresh(stream);
}

static void logs_poke(void *stream)
{
	log_stream_poke(stream);
}

static bool logs_complete(const void *stream, struct spool *spool)
{
	(void)spool;
	return stream && log_stream_complete(stream);
}

static void logs_cut_line(struct spool *spool, const struct log_position *at, int64_t begun_ns,
			  struct buf *out)
{
	(void)spool;
	log_file_gap_line(out, at->last_ns ? at->last_ns : begun_ns, clock_realtime_ns());
}

const struct log_source log_source_logs = {
	.kind = SPOOL_LOGS,
	.file = "logs",
	.dir = "spool",
	.max_bytes = 64LL << 20,
	.none = "the pod has no container",
	.container = pod_main,
	.id = logs_id,
	.over = logs_over,
	.start = logs_start,
	.stop = logs_stop,
	.refresh = logs_refresh,
	.poke = logs_poke,
	.complete = logs_complete,
	.cut_line = logs_cut_line,
};
