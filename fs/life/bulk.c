/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are taken apart where they are written, so that nonsense fails the write; all else happens
 * on the cluster thread: at most BULK_IN_FLIGHT creations at a time, results in the order of lines.
 * A batch lives until it is released and its last line is done.
 */
#include "fs/life/bulk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/creation.h"
#include "fs/life/drafts.h"
#include "fs/stream/park.h"
#include "fs/task.h"
#include "fs/weaver/podspec.h"
#include "k8s/base/buf.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"

#define BULK_IN_FLIGHT 64
/* A mkdir's deadline is short because the directory is locked meanwhile; here nothing is. */
#define BULK_PATIENCE 5
#define BULK_LINES_MAX 10000
#define BULK_LINE_LEN_MAX 256

enum line_state { LINE_QUEUED, LINE_STARTED, LINE_DONE };

struct line {
	struct list node;
	struct bulk *bulk;
	enum line_state state;
	char name[BULK_LINE_LEN_MAX], draft[BULK_LINE_LEN_MAX]; /* draft "": the defaults */
	int r;
	char *why; /* of r < 0; owned, NULL: there was no memory for it */
};

struct bulk {
	struct weaverfs *fs;
	struct caller caller;
	/* Where it is written: any thread. */
	struct lock lock;   /* LOCK_LEAF, guards the next three */
	struct buf partial; /* a line without its newline yet */
	size_t written;     /* lines */
	bool reading;       /* the batch is complete */
	/* Cluster thread. */
	struct task task;  /* registered once there are lines or readers */
	struct list lines; /* struct line, as written */
	struct list parks; /* reads that wait */
	size_t queued, in_flight;
	struct buf out; /* results, once all are there */
	size_t out_at;
	bool rendered, released, cancelled;
};

/* Work from another thread. */
struct message {
	struct loop_job job;
	struct bulk *bulk;
	struct list lines; /* to be begun */
	fuse_req_t req;    /* a read; NULL: none */
	size_t size;
	bool release;
};

struct bulk *bulk_new(struct weaverfs *fs, const struct caller *caller)
{
	struct bulk *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->fs = fs;
	b->caller = *caller;
	lock_init(&b->lock, LOCK_LEAF);
	list_init(&b->task.node);
	list_init(&b->lines);
	list_init(&b->parks);
	return b;
}

static void lines_free(struct list *lines)
{
	list_for_each(l, lines, struct line, node) {
		list_remove(&l->node);
		free(l->why);
		free(l);
	}
}

static void destroy(struct bulk *b)
{
	task_end(&b->task);
	lines_free(&b->lines);
	buf_done(&b->partial);
	buf_done(&b->out);
	lock_done(&b->lock);
	free(b);
}

/* ---- results ---- */

static void render(struct bulk *b)
{
	if (b->rendered)
		return;
	b->rendered = true;
	list_for_each(l, &b->lines, struct line, node) {
		buf_add_escaped(&b->out, l->name, strlen(l->name));
		if (l->r == 0) {
			buf_add_str(&b->out, " ok\n");
			continue;
		}
		buf_printf(&b->out, " %s ", error_name(-l->r));
		if (l->why)
			buf_add_escaped(&b->out, l->why, strlen(l->why));
		buf_add_char(&b->out, '\n');
	}
}

static void reply_results(struct bulk *b, fuse_req_t req, size_t size)
{
	render(b);
	if (buf_error(&b->out) < 0) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t n = b->out.len - b->out_at < size ? b->out.len - b->out_at : size;
	const char *from = n ? b->out.data + b->out_at : NULL;
	b->out_at += n;
	fuse_reply_buf(req, from, n);
}

/* The request and its size; the size is kept in the park's data. */
static void answer_parked(struct bulk *b)
{
	while (!list_empty(&b->parks)) {
		struct park *p = list_entry(b->parks.next, struct park, node);
		size_t size = (size_t)(uintptr_t)p->data;
		reply_results(b, park_take(p), size);
	}
}

/* ---- creations ---- */

static void pump(struct bulk *b);

static void line_done(struct line *l, int r, const struct error *e)
{
	l->state = LINE_DONE;
	l->r = r;
	if (r < 0)
		l->why = strdup(e->text);
}

static void on_created(void *data, int r, const struct error *e, const char *pod_uid)
{
	struct line *l = data;
	struct bulk *b = l->bulk;

	(void)pod_uid;
	line_done(l, r, e);
	b->in_flight--;
	pump(b);
}

/* The draft's content; NULL with 0: the defaults. A draft is its maker's. */
static int find_draft(const struct line *l, struct podspec **ret, struct error *e)
{
	const struct bulk *b = l->bulk;
	struct drafts_view v;

	*ret = NULL;
	if (!l->draft[0])
		return 0;
	if (drafts_lookup(b->fs->drafts, l->draft, &v) < 0)
		return error_set(e, ENOENT, "no draft %s", l->draft);
	bool may = b->caller.uid == 0 || b->caller.uid == v.uid;
	*ret = may ? podspec_ref(v.spec) : NULL;
	drafts_view_done(&v);
	return may ? 0 : error_set(e, EACCES, "the draft %s belongs to another user", l->draft);
}

static int start(struct line *l, struct error *e)
{
	struct bulk *b = l->bulk;
	struct podspec *draft = NULL;
	int r = podspec_check_name(l->name, e);

	if (r == 0)
		r = find_draft(l, &draft, e);
	if (r < 0)
		return r;
	struct creation_spec spec = {
		.op = "new",
		.name = l->name,
		.spec = draft,
		.caller = b->caller.uid,
		.pid = b->caller.pid,
		.uid = b->caller.uid,
		.gid = b->caller.gid,
		.timeout_ms = b->fs->config->create_timeout_ms * BULK_PATIENCE,
		.mode = 0750, /* FUSE tells the umask of no open(2) */
		.done = on_created,
		.data = l,
	};
	r = creation_start(b->fs->create, &spec, e);
	podspec_unref(draft);
	return r;
}

/* Begins what may be begun; answers and frees when all is done. b may be gone afterwards. */
static void pump(struct bulk *b)
{
	list_for_each(l, &b->lines, struct line, node) {
		struct error e = ERROR_INIT;

		if (b->queued == 0 || b->in_flight >= BULK_IN_FLIGHT || b->cancelled)
			break;
		if (l->state != LINE_QUEUED)
			continue;
		l->state = LINE_STARTED;
		b->queued--;
		b->in_flight++;
		int r = start(l, &e);
		if (r == 0)
			continue;
		errors_add(b->fs->errors, b->caller.uid, "new", l->name, &e);
		line_done(l, r, &e);
		b->in_flight--;
	}
	if (b->in_flight > 0 || (b->queued > 0 && !b->cancelled))
		return;
	answer_parked(b);
	if (b->released)
		destroy(b);
}

static void on_cancel(struct task *t)
{
	struct bulk *b = container_of(t, struct bulk, task);

	b->cancelled = true; /* those in flight end with the creations */
	while (!list_empty(&b->parks))
		fuse_reply_err(park_take(list_entry(b->parks.next, struct park, node)), EIO);
}

/* ---- from other threads ---- */

static void on_interrupt(struct park *p)
{
	fuse_req_t req = park_take(p);

	if (req)
		fuse_reply_err(req, EINTR);
}

static void take_read(struct bulk *b, fuse_req_t req, size_t size)
{
	if (b->cancelled) {
		fuse_reply_err(req, EIO);
		return;
	}
	struct park *p = park_new(b->fs->loop, req, on_interrupt);
	if (!p) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	p->data = (void *)(uintptr_t)size;
	list_push_back(&b->parks, &p->node);
}

static void on_message(struct loop_job *job)
{
	struct message *m = container_of(job, struct message, job);
	struct bulk *b = m->bulk;

	if (list_empty(&b->task.node) && !b->cancelled)
		task_begin(&b->fs->tasks, &b->task, on_cancel);
	list_for_each(l, &m->lines, struct line, node) {
		list_remove(&l->node);
		list_push_back(&b->lines, &l->node);
		b->queued++;
	}
	if (m->req)
		take_read(b, m->req, m->size);
	b->released = b->released || m->release;
	free(m);
	pump(b);
}

static struct message *message_new(struct bulk *b)
{
	struct message *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->bulk = b;
	m->job.run = on_message;
	list_init(&m->lines);
	return m;
}

/* NAME or NAME DRAFT, len bytes; an empty one is none. */
static int add_line(struct bulk *b, const char *text, size_t len, struct list *to, struct error *e)
{
	char copy[BULK_LINE_LEN_MAX], *save;

	if (len >= sizeof(copy))
		return error_set(e, EINVAL, "a line of more than %d bytes", BULK_LINE_LEN_MAX);
	memcpy(copy, text, len);
	copy[len] = '\0';
	const char *name = strtok_r(copy, " \t", &save);
	const char *draft = name ? strtok_r(NULL, " \t", &save) : NULL;
	if (!name)
		return 0;
	if (draft && strtok_r(NULL, " \t", &save))
		return error_set(e, EINVAL, "more than NAME DRAFT on a line");
	struct line *l = calloc(1, sizeof(*l));
	if (!l)
		return error_oom(e);
	l->bulk = b;
	snprintf(l->name, sizeof(l->name), "%s", name);
	snprintf(l->draft, sizeof(l->draft), "%s", draft ? draft : "");
	list_push_back(to, &l->node);
	return 0;
}

/* Complete lines of partial + data into `to`; *rest: what stays of it. Caller holds the lock. */
static int split_locked(struct bulk *b, const char *data, size_t len, struct list *to,
			size_t *ret_used, struct error *e)
{
	size_t before = b->partial.len, at = 0;
	int r = 0;

	buf_add(&b->partial, data, len);
	if (buf_error(&b->partial) < 0)
		return error_oom(e);
	while (r == 0) {
		const char *line = b->partial.data + at;
		const char *end = memchr(line, '\n', b->partial.len - at);
		if (!end)
			break;
		r = add_line(b, line, (size_t)(end - line), to, e);
		at = (size_t)(end - b->partial.data) + 1;
	}
	if (r == 0 && b->partial.len - at >= BULK_LINE_LEN_MAX)
		r = error_set(e, EINVAL, "a line of more than %d bytes", BULK_LINE_LEN_MAX);
	if (r < 0)
		b->partial.len = before;
	*ret_used = at;
	return r;
}

static size_t count(const struct list *lines)
{
	size_t n = 0;

	list_for_each(l, lines, struct line, node)
		n++;
	return n;
}

static int take_lines(struct bulk *b, const char *data, size_t len, struct list *to,
		      struct error *e)
{
	lock_guard(&b->lock);
	size_t before = b->partial.len, used = 0;

	if (b->reading)
		return error_set(e, EINVAL, "its results are being read: open it again for more");
	int r = split_locked(b, data, len, to, &used, e);
	if (r == 0 && b->written + count(to) > BULK_LINES_MAX) {
		b->partial.len = before;
		r = error_set(e, EFBIG, "more than %d lines in one batch", BULK_LINES_MAX);
	}
	if (r < 0)
		return r;
	b->written += count(to);
	buf_drop_front(&b->partial, used);
	return 0;
}

int bulk_write(struct bulk *b, const char *data, size_t len, struct error *e)
{
	struct message *m = message_new(b);

	if (!m)
		return error_oom(e);
	int r = take_lines(b, data, len, &m->lines, e);
	if (r < 0) {
		lines_free(&m->lines);
		free(m);
		return r;
	}
	loop_post(b->fs->loop, &m->job);
	return 0;
}

/* A last line without its newline is one at the end; what is no line then is left out. */
static void complete(struct bulk *b, struct list *to)
{
	lock_guard(&b->lock);
	b->reading = true;
	if (b->partial.len)
		add_line(b, b->partial.data, b->partial.len, to, NULL);
	buf_reset(&b->partial);
}

void bulk_read(struct bulk *b, fuse_req_t req, size_t size)
{
	struct message *m = message_new(b);

	if (!m) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	complete(b, &m->lines);
	m->req = req;
	m->size = size;
	loop_post(b->fs->loop, &m->job);
}

void bulk_free(struct bulk *b)
{
	/* After parts_stop(): the loop has ended, and with it all that was in flight. */
	if (!b->fs->create) {
		destroy(b);
		return;
	}
	struct message *m = message_new(b);
	if (!m)
		return; /* out of memory: it stays until the end of the process */
	complete(b, &m->lines);
	m->release = true;
	loop_post(b->fs->loop, &m->job);
}
