/* SPDX-License-Identifier: Apache-2.0 */
/* follow/: what there is, then what comes, until the weaver is gone. */
#include <errno.h>
#include <string.h>

#include "fs/logs/logs.h"
#include "fs/logs/spool.h"
#include "fs/registry.h"
#include "fs/stream/stream.h"
#include "fs/stream/stream_mount.h"
#include "fs/weaver/events.h"
#include "fs/weaver/weaver.h"
#include "k8s/pod.h"

#define LOGS_PROBE 4096 /* bytes kept for who does not read, but polls */

/* ---- follow/status ---- */

struct status_state {
	bool told;
	enum weaver_status last;
};

static int status_fill(const struct stream_source *source, void *state, struct buf *out,
		       enum stream_more *ret_more, struct error *e)
{
	struct status_state *s = state;

	(void)e;
	if (source->w) {
		enum weaver_status status = weaver_status(source->w->pod);

		if (!s->told || status != s->last)
			buf_printf(out, "%s\n", weaver_status_word(status));
		s->told = true;
		s->last = status;
	}
	if (source->gone)
		*ret_more = STREAM_END;
	return 0;
}

_Static_assert(sizeof(struct status_state) <= STREAM_STATE_SIZE, "state");
const struct stream_ops stream_follow_status = { .fill = status_fill };

/* ---- follow/events ---- */

struct events_state {
	bool told;
	struct event_list *last; /* a reference; NULL: none yet */
};

static int events_fill(const struct stream_source *source, void *state, struct buf *out,
		       enum stream_more *ret_more, struct error *e)
{
	struct events_state *s = state;
	struct event_list *now = source->w ? source->w->events : NULL;

	(void)e;
	if (!s->told)
		event_list_show(now, out);
	else if (now != s->last)
		event_list_show_new(now, s->last, out);
	s->told = true;
	if (now != s->last) {
		event_list_unref(s->last);
		s->last = event_list_ref(now);
	}
	if (source->gone)
		*ret_more = STREAM_END;
	return 0;
}

static void events_close(const struct stream_source *source, void *state)
{
	struct events_state *s = state;

	(void)source;
	event_list_unref(s->last);
}

_Static_assert(sizeof(struct events_state) <= STREAM_STATE_SIZE, "state");
const struct stream_ops stream_follow_events = { .fill = events_fill, .close = events_close };

/* ---- follow/logs, follow/audit ---- */

struct logs_state {
	struct logs *logs;
	struct spool_reader *reader; /* owned */
	off_t offset;
};

static int open_spool(const struct stream_source *source, struct logs_state *s,
		      enum spool_kind kind, struct error *e)
{
	struct spool *spool;

	s->logs = source->fs->logs[kind];
	int r = logs_follow(s->logs, source->object, &spool, e);

	if (r < 0)
		return r;
	r = spool_reader_new(spool, &s->reader);
	spool_unref(spool);
	if (r == 0)
		return 0;
	logs_unfollow(s->logs, source->object);
	return error_oom(e);
}

static int logs_open_stream(const struct stream_source *source, void *state, struct error *e)
{
	return open_spool(source, state, SPOOL_LOGS, e);
}

static int audit_open_stream(const struct stream_source *source, void *state, struct error *e)
{
	return open_spool(source, state, SPOOL_AUDIT, e);
}

/* As much as a read waits for: the spool keeps the rest. */
static int logs_fill(const struct stream_source *source, void *state, struct buf *out,
		     enum stream_more *ret_more, struct error *e)
{
	struct logs_state *s = state;
	size_t want = source->want ? source->want : LOGS_PROBE;
	bool ended = logs_ended(s->logs, source->object);

	if (out->len > 0)
		return 0;
	if (buf_reserve(out, want) < 0)
		return error_oom(e);
	ssize_t n = spool_reader_read(s->reader, out->data, want, s->offset);
	if (n < 0)
		return error_set(e, (int)-n, "the spool cannot be read: %s", strerror((int)-n));
	s->offset += n;
	out->len = (size_t)n;
	out->data[n] = '\0';
	if (n == 0 && ended)
		*ret_more = STREAM_END;
	return 0;
}

static void logs_close(const struct stream_source *source, void *state)
{
	struct logs_state *s = state;

	spool_reader_free(s->reader);
	logs_unfollow(s->logs, source->object);
}

_Static_assert(sizeof(struct logs_state) <= STREAM_STATE_SIZE, "state");
const struct stream_ops stream_follow_logs = {
	.open = logs_open_stream,
	.fill = logs_fill,
	.close = logs_close,
};
const struct stream_ops stream_follow_audit = {
	.open = audit_open_stream,
	.fill = logs_fill,
	.close = logs_close,
};

/* ---- .weaverfs/follow/events ---- */

const struct stream_ops stream_follow_mount = {
	.open = stream_mount_open,
	.fill = stream_mount_fill,
	.close = stream_mount_close,
};
