/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait/: reads that block until it is so. Each says its one line and ends; what can never become so
 * fails, so that `make` and `&&` do not go on.
 */
#include <errno.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/registry.h"
#include "fs/stream/stream.h"
#include "fs/weaver/reason.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/pod.h"

static bool is_over(const struct stream_source *source)
{
	return source->gone || source->w->pod->deleted_s;
}

static const struct pod_container *main_of(const struct stream_source *source)
{
	return source->w ? pod_main(source->w->pod) : NULL;
}

/* ---- wait/running ---- */

/* A container that could not be started has no time of its start. */
static bool has_run(const struct stream_source *source)
{
	const struct pod_container *c = main_of(source);

	if (source->w && weaver_outcome(source->w->pod) == WEAVER_RUNNING)
		return true;
	return c && (c->restarts > 0 || (c->state == POD_STATE_TERMINATED && c->started_s != 0));
}

static int never_runs(const struct stream_source *source, struct error *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;

	if (source->w) {
		struct reason_input in = { .pod = source->w->pod,
					   .events = source->w->events,
					   .config = source->fs->config };
		weaver_reason(&in, &why);
	}
	size_t line = strcspn(buf_str(&why), "\n");
	return error_set(e, EIO, "it has ended and never ran%s%.*s", line ? ": " : "", (int)line,
			 buf_str(&why));
}

static int64_t running_wake_at(const struct stream_source *source, void *state)
{
	(void)state;
	if (!source->reading_ns)
		return 0;
	return source->reading_ns + source->fs->config->ready_timeout_secs * CLOCK_NS_PER_S;
}

static int running_fill(const struct stream_source *source, void *state, struct buf *out,
			enum stream_more *ret_more, struct error *e)
{
	if (has_run(source)) {
		buf_add_str(out, "running\n");
		*ret_more = STREAM_END;
		return 0;
	}
	if (is_over(source))
		return never_runs(source, e);
	enum weaver_status status = weaver_status(source->w->pod);
	if (status == WEAVER_SUCCEEDED || status == WEAVER_FAILED)
		return never_runs(source, e);
	int64_t until_ns = running_wake_at(source, state);
	if (until_ns && clock_monotonic_ns() >= until_ns)
		return error_set(e, ETIMEDOUT, "not running after %lld s (ready_timeout_secs)",
				 (long long)source->fs->config->ready_timeout_secs);
	return 0;
}

const struct stream_ops stream_wait_running = {
	.fill = running_fill,
	.wake_at = running_wake_at,
};

/* ---- wait/done ---- */

static int done_fill(const struct stream_source *source, void *state, struct buf *out,
		     enum stream_more *ret_more, struct error *e)
{
	const struct pod_container *c = main_of(source);

	(void)state;
	if (c && c->state == POD_STATE_TERMINATED) {
		buf_printf(out, "%d\n", c->exit_code);
		*ret_more = STREAM_END;
		return 0;
	}
	if (source->gone)
		return error_set(e, EIO, "it is gone, and left no exit code");
	/* An evicted pod may have no state of a container that it never made. */
	if (!source->w->pod->deleted_s && weaver_status(source->w->pod) == WEAVER_FAILED)
		return error_set(e, EIO, "it has failed, and there is no exit code");
	return 0;
}

const struct stream_ops stream_wait_done = { .fill = done_fill };

/* ---- wait/gone ---- */

static int gone_fill(const struct stream_source *source, void *state, struct buf *out,
		     enum stream_more *ret_more, struct error *e)
{
	(void)state;
	(void)e;
	if (!source->gone)
		return 0;
	if (source->w)
		buf_printf(out, "%s\n", weaver_status_word(weaver_outcome(source->w->pod)));
	*ret_more = STREAM_END;
	return 0;
}

const struct stream_ops stream_wait_gone = { .fill = gone_fill };
