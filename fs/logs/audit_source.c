/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source of `audit`: the buffer of the weaver's audit sidecar, read by an exec of
 * `audit-sidecar tail` in it (docs/audit.md), which gives the bytes of the record from a cursor on
 * and nothing else. So what was taken counts, whatever becomes of the connection, the sidecar or
 * ourselves: position.part is the cursor.
 *
 * Where the record ends now is asked by another exec, whose cursor is beyond any end. It waits as
 * long as the sidecar may take to write down what has happened.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/log_file.h"
#include "fs/logs/log_source.h"
#include "fs/logs/lost_line.h"
#include "fs/logs/relay.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/pod.h"

#define PROGRAM "/audit-sidecar" /* of the image */
#define EXIT_GONE 3
#define EXIT_BEYOND 4
#define BEYOND "18446744073709551614"
#define RECORD_MAX 8192
#define SAID_MAX 1024
#define RETRY_NS (100 * CLOCK_NS_PER_MS)
#define RETRY_DOUBLINGS 6
#define LINGER_NS (10 * CLOCK_NS_PER_S) /* for what is on its way when the sidecar has ended */
#define SETTLE_MAX_NS CLOCK_NS_PER_S

/* One exec. */
struct tail {
	struct relay *relay; /* NULL: none */
	struct buf said;     /* stderr */
};

struct audit_stream {
	struct log_file *file;
	const struct log_stream_ops *ops;
	struct log_position at;
	bool at_line; /* the byte before it ended a line */
	bool failed;  /* lines() has: our owner begins again */
	struct tail follow, question;
	bool asking;       /* caught_up() is owed … */
	bool end_known;    /* … for byte `end` */
	uint64_t end;      /* of the record, when it was asked */
	unsigned failures; /* of follow, since bytes came */
	struct loop_timer step, ask;
};

/* ---- the pod ---- */

static const char *sidecar_id(const struct pod *pod)
{
	const struct pod_container *c = weaver_sidecar(pod);

	return c->started ? c->id : "";
}

/* While the weaver runs it is started again. */
static bool sidecar_over(const struct pod *pod)
{
	const struct pod_container *c = weaver_sidecar(pod), *main = pod_main(pod);
	bool last = pod->deleted_s || (main && main->state == POD_STATE_TERMINATED);

	if (strcmp(pod->phase, "Failed") == 0 || strcmp(pod->phase, "Succeeded") == 0)
		return c->state != POD_STATE_RUNNING;
	return c->state == POD_STATE_TERMINATED && last;
}

static bool is_over(const struct audit_stream *s)
{
	bool terminated, gone;

	s->ops->container(s->file, &terminated, &gone);
	return terminated || gone;
}

static bool is_running(const struct audit_stream *s)
{
	return weaver_sidecar(s->file->pod)->state == POD_STATE_RUNNING;
}

/* ---- lines of our own ---- */

static void add_lost(struct buf *out, bool at_line, const char *reason, uint64_t from,
		     const uint64_t *to)
{
	char line[LOST_LINE_SIZE];

	if (!at_line)
		buf_add_char(out, '\n');
	buf_add(out, line, lost_line_print(line, reason, clock_realtime_ns(), from, to));
}

static bool ends_line(struct spool *spool)
{
	char last;

	return spool_last(spool, &last, 1) == 0 || last == '\n';
}

static void audit_cut_line(struct spool *spool, const struct log_position *at, int64_t begun_ns,
			   struct buf *out)
{
	(void)begun_ns;
	add_lost(out, ends_line(spool), "end", at->part, NULL);
}

static bool has(const char *line, size_t len, const char *part)
{
	return memmem(line, len, part, strlen(part));
}

/* The last word is the sidecar's, a batch that says so, or ours about what is missing behind. */
static bool audit_complete(const void *stream, struct spool *spool)
{
	char bytes[RECORD_MAX];
	size_t n = spool_last(spool, bytes, sizeof(bytes));

	(void)stream;
	if (n == 0 || bytes[n - 1] != '\n')
		return false;
	const char *before = memrchr(bytes, '\n', n - 1);
	const char *line = before ? before + 1 : bytes;
	size_t len = (size_t)(bytes + n - line);
	if (has(line, len, "\"event_type\":\"audit_batch\""))
		return has(line, len, "\"end\":true");
	return has(line, len, LOST_LINE_REASON("end"));
}

/* ---- what comes ---- */

static void set_step(struct audit_stream *s, int64_t delay_ns)
{
	loop_timer_set(s->file->fs->loop, &s->step, clock_monotonic_ns() + delay_ns);
}

static void tail_stop(struct tail *t)
{
	relay_stop(t->relay);
	t->relay = NULL;
	buf_reset(&t->said);
}

static void take(struct audit_stream *s, const char *bytes, size_t len, uint64_t cursor)
{
	struct log_position at = s->at;

	at.part = cursor;
	if (s->ops->lines(s->file, bytes, len, &at) < 0) {
		s->failed = true;
		tail_stop(&s->follow);
		return;
	}
	s->at = at;
	s->at_line = bytes[len - 1] == '\n';
}

/* May end the stream: the last that a caller does. */
static void tell_caught_up(struct audit_stream *s, int r, const struct error *e)
{
	s->asking = s->end_known = false;
	s->ops->caught_up(s->file, r, e);
}

static void look_caught_up(struct audit_stream *s)
{
	if (s->asking && s->end_known && s->at.part >= s->end)
		tell_caught_up(s, 0, NULL);
}

static void keep_said(struct tail *t, const char *bytes, size_t len)
{
	size_t room = SAID_MAX - t->said.len;

	buf_add(&t->said, bytes, len < room ? len : room);
}

/* "… --after N goes on" */
static bool said_cursor(const struct tail *t, uint64_t *ret)
{
	const char *after = strstr(buf_str(&t->said), "--after ");

	return after && sscanf(after, "--after %" SCNu64, ret) == 1;
}

/* What the exec failed with, for a human. */
static int why(const struct tail *t, const struct channel_end *end, struct error *e)
{
	size_t len = strcspn(buf_str(&t->said), "\n");

	if (end->r < 0) {
		*e = end->error;
		return end->r;
	}
	if (end->error.code)
		return error_set(e, EIO, "the sidecar's image has no " PROGRAM ": %s",
				 end->error.text);
	return error_set(e, EIO, PROGRAM " tail: exit status %d: %.*s", end->exit_code, (int)len,
			 buf_str(&t->said));
}

/* ---- following ---- */

static void follow_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct audit_stream *s = data;

	if (stream == CHANNEL_ERR) {
		keep_said(&s->follow, bytes, len);
		return;
	}
	s->failures = 0;
	take(s, bytes, len, s->at.part + len);
	look_caught_up(s);
}

/* The buffer has dropped what we had not taken, or is another one. */
static void skip(struct audit_stream *s, const char *reason, uint64_t to)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	add_lost(&line, s->at_line, reason, s->at.part, &to);
	if (buf_error(&line) == 0)
		take(s, line.data, line.len, to);
}

static void follow_ended(void *data, const struct channel_end *end)
{
	struct audit_stream *s = data;
	uint64_t to;

	s->follow.relay = NULL;
	bool gone = end->r == 0 && end->exit_code == EXIT_GONE && said_cursor(&s->follow, &to);
	if (gone)
		skip(s, "overtaken", to);
	else if (end->r == 0 && end->exit_code == EXIT_BEYOND)
		skip(s, "replaced", 0);
	unsigned doublings = s->failures < RETRY_DOUBLINGS ? s->failures : RETRY_DOUBLINGS;
	if (!s->failed)
		set_step(s, gone || is_over(s) ? 0 : RETRY_NS << doublings);
	s->failures++;
	buf_reset(&s->follow.said);
}

static const struct relay_ops follow_ops = { .output = follow_output, .ended = follow_ended };

static int tail_start(struct audit_stream *s, struct tail *t, const char *after, bool follow,
		      const struct relay_ops *ops, struct error *e)
{
	const struct pod *pod = s->file->pod;
	const char *const argv[] = {
		PROGRAM, "tail", "--after", after, follow ? "--follow" : NULL, "--stdin", NULL
	};
	const struct relay_spec spec = {
		.kind = CHANNEL_EXEC,
		.namespace_ = pod->namespace_,
		.pod = pod->name,
		.container = LOOM_SIDECAR,
		.argv = argv,
		.ops = ops,
		.data = s,
	};

	buf_reset(&t->said);
	return relay_start(s->file->fs->relays, &spec, &t->relay, e);
}

static void step_fire(struct loop_timer *timer)
{
	struct audit_stream *s = container_of(timer, struct audit_stream, step);
	char after[24];

	if (is_over(s)) {
		s->ops->ended(s->file);
		return;
	}
	if (s->follow.relay || s->failed || !is_running(s))
		return;
	snprintf(after, sizeof(after), "%" PRIu64, s->at.part);
	if (tail_start(s, &s->follow, after, true, &follow_ops, NULL) < 0)
		set_step(s, RETRY_NS << RETRY_DOUBLINGS);
}

static void audit_poke(void *stream)
{
	struct audit_stream *s = stream;

	if (s->follow.relay && !is_over(s))
		return;
	if (list_empty(&s->step.node) && !s->failed)
		set_step(s, s->follow.relay ? LINGER_NS : 0);
}

/* ---- where it ends now ---- */

static void question_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct audit_stream *s = data;

	if (stream == CHANNEL_ERR)
		keep_said(&s->question, bytes, len);
}

static void question_ended(void *data, const struct channel_end *end)
{
	struct audit_stream *s = data;
	struct error e = ERROR_INIT;

	s->question.relay = NULL;
	if (end->r == 0 && end->exit_code == EXIT_BEYOND && said_cursor(&s->question, &s->end)) {
		s->end_known = true;
		look_caught_up(s);
	} else {
		int r = why(&s->question, end, &e);
		tell_caught_up(s, r, &e);
	}
}

static const struct relay_ops question_ops = { .output = question_output, .ended = question_ended };

static void ask_fire(struct loop_timer *timer)
{
	struct audit_stream *s = container_of(timer, struct audit_stream, ask);
	struct error e = ERROR_INIT;

	if (s->question.relay)
		return;
	if (list_empty(&s->file->asked)) {
		tell_caught_up(s, 0, NULL); /* nobody wants to know */
		return;
	}
	int r = tail_start(s, &s->question, BEYOND, false, &question_ops, &e);
	if (r < 0)
		tell_caught_up(s, r, &e);
}

static void audit_refresh(void *stream)
{
	struct audit_stream *s = stream;
	int64_t settle_ns = s->file->fs->config->audit_batch_interval_ms * CLOCK_NS_PER_MS;

	s->asking = true;
	s->end_known = false;
	settle_ns = settle_ns < SETTLE_MAX_NS ? settle_ns : SETTLE_MAX_NS;
	loop_timer_set(s->file->fs->loop, &s->ask, clock_monotonic_ns() + settle_ns);
}

/* ---- life ---- */

static int audit_start(struct log_file *f, const struct log_stream_ops *ops, void **ret,
		       struct error *e)
{
	struct audit_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return error_oom(e);
	s->file = f;
	s->ops = ops;
	s->at = f->position;
	s->at_line = ends_line(f->spool);
	loop_timer_init(&s->step, step_fire);
	loop_timer_init(&s->ask, ask_fire);
	set_step(s, 0);
	audit_refresh(s);
	*ret = s;
	return 0;
}

static void audit_stop(void *stream)
{
	struct audit_stream *s = stream;

	tail_stop(&s->follow);
	tail_stop(&s->question);
	buf_done(&s->follow.said);
	buf_done(&s->question.said);
	loop_timer_cancel(&s->step);
	loop_timer_cancel(&s->ask);
	free(s);
}

const struct log_source audit_source_sidecar = {
	.kind = SPOOL_AUDIT,
	.file = "audit",
	.dir = "audit",
	.max_bytes = 256LL << 20,
	.none = WEAVER_NO_SIDECAR,
	.container = weaver_sidecar,
	.id = sidecar_id,
	.over = sidecar_over,
	.start = audit_start,
	.stop = audit_stop,
	.refresh = audit_refresh,
	.poke = audit_poke,
	.complete = audit_complete,
	.cut_line = audit_cut_line,
};
