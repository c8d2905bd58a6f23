/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream is asked by fill() when it is opened, when something about its object has changed, when
 * its time has come, and when a read finds nothing. What fill() gave and nobody has read yet is
 * `unread`; beyond UNREAD_MAX a stream is not asked until somebody reads. Reads of one open are
 * answered in their order.
 *
 * The FUSE thread only hands over: each open, read and release is a job, so that they keep their
 * order. poll(2) alone is answered there. A pollhandle is used for one notification: who still
 * waits asks again after it and brings a new one, and that is also what an edge-triggered epoll
 * wants: an edge for each arrival.
 */
#include "fs/stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr/attr.h"
#include "fs/errors.h"
#include "fs/into/splice.h"
#include "fs/registry.h"
#include "fs/stream/park.h"
#include "fs/stream/stream_mount.h"
#include "fs/stream/stream_private.h"
#include "fs/tree/ino.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"

#define UNREAD_MAX 65536

struct stream {
	struct list node; /* streams.all */
	struct hash_node by_object;
	struct streams *streams;
	const struct stream_ops *ops;
	struct loop_job job; /* of the open, then of the release */
	fuse_req_t req;      /* of the job */
	fuse_ino_t ino;
	struct caller caller;
	uint64_t object; /* as opened, counted in the registry; 0: .weaverfs */
	uint64_t key;    /* the weaver's own number */
	int64_t opened_ns;
	alignas(int64_t) char state[STREAM_STATE_SIZE];
	bool opened; /* ops->open() has succeeded */
	bool ended;  /* fill() has said so */
	struct buf unread;
	struct list reads;  /* struct reading, oldest first */
	int64_t refused_ns; /* since when reads were told EAGAIN; 0: no */
	int64_t asked_ns;   /* when fill() was asked last */
	struct loop_timer timer;
	/* streams->lock */
	bool readable;
	struct fuse_pollhandle *poll; /* owned; NULL: nobody waits */
};

/* A read that has not been answered. */
struct reading {
	struct list node; /* stream.reads */
	struct loop_job job;
	struct stream *stream;
	fuse_req_t req;    /* until it is parked, for ever with O_NONBLOCK */
	struct park *park; /* NULL: O_NONBLOCK */
	bool nonblock;
	size_t size;
	int64_t since_ns;
};

/* ---- what a kind sees ---- */

static struct reading *oldest(const struct stream *f)
{
	return list_empty(&f->reads) ? NULL : list_entry(f->reads.next, struct reading, node);
}

/* Since when a read has found nothing; 0: none has. */
static int64_t reading_since(const struct stream *f)
{
	const struct reading *first = oldest(f);

	if (first && (!f->refused_ns || first->since_ns < f->refused_ns))
		return first->since_ns;
	return f->refused_ns;
}

/* view: to be given back with registry_view_done(). */
static void source_get(const struct stream *f, struct stream_source *ret,
		       struct registry_view *view)
{
	const struct reading *first = oldest(f);

	*view = (struct registry_view){ 0 };
	*ret = (struct stream_source){
		.fs = f->streams->fs,
		.caller = f->caller,
		.object = f->object,
		.opened_ns = f->opened_ns,
		.reading_ns = reading_since(f),
		.want = first ? first->size : 0,
	};
	if (!f->object)
		return;
	bool found = registry_find(f->streams->fs->registry, f->object, view) == 0;
	ret->w = found ? view : NULL;
	ret->gone = !found || view->deleted;
}

static void note_error(const struct stream *f, const char *op, const struct error *e)
{
	const struct attr *a = &table_rows[ino_row(f->ino)];
	struct stream_source source;
	struct registry_view view;
	char path[REGISTRY_NAME_MAX + 64];

	source_get(f, &source, &view);
	snprintf(path, sizeof(path), "%s/%s/%s", source.w ? view.name : ".weaverfs", a->dir,
		 a->name);
	registry_view_done(&view);
	errors_add(f->streams->fs->errors, f->caller.uid, op, path, e);
}

/* Asks for more. < 0: what a read would fail with. */
static int refill(struct stream *f, struct error *e)
{
	enum stream_more more = STREAM_MORE;
	struct stream_source source;
	struct registry_view view;
	size_t before = f->unread.len;

	if (f->ended || before >= UNREAD_MAX)
		return 0;
	source_get(f, &source, &view);
	f->asked_ns = clock_monotonic_ns();
	int r = f->ops->fill(&source, f->state, &f->unread, &more, e);
	if (r == 0 && buf_error(&f->unread) < 0) {
		f->unread.failed = false;
		f->unread.len = before;
		r = error_oom(e);
	}
	f->ended = r == 0 && more == STREAM_END;
	registry_view_done(&view);
	return r;
}

/* A time at which it has been asked already does not come again. */
static void arm(struct stream *f)
{
	struct stream_source source;
	struct registry_view view;

	if (!f->ops->wake_at)
		return;
	source_get(f, &source, &view);
	int64_t at_ns = f->ended ? 0 : f->ops->wake_at(&source, f->state);
	registry_view_done(&view);
	if (at_ns > f->asked_ns)
		loop_timer_set(f->streams->fs->loop, &f->timer, at_ns);
	else
		loop_timer_cancel(&f->timer);
}

/* ---- answering ---- */

static fuse_req_t reading_take(struct reading *r)
{
	fuse_req_t req = r->park ? park_take(r->park) : r->req;

	list_remove(&r->node);
	free(r);
	return req;
}

static void answer_unread(struct stream *f)
{
	struct reading *r = oldest(f);
	size_t n = r->size < f->unread.len ? r->size : f->unread.len;

	fuse_reply_buf(reading_take(r), buf_str(&f->unread), n);
	if (n == f->unread.len)
		buf_done(&f->unread); /* hundreds that wait shall not hold what they have had */
	else
		buf_drop_front(&f->unread, n);
}

/* Says whether a read would be answered now, and tells who polls: again with each arrival. */
static void publish(struct stream *f, bool readable, bool arrived)
{
	struct fuse_pollhandle *poll = NULL;
	{
		lock_guard(&f->streams->lock);
		if (readable && (arrived || !f->readable))
			poll = move_ptr(&f->poll);
		f->readable = readable;
	}
	if (!poll)
		return;
	fuse_lowlevel_notify_poll(poll);
	fuse_pollhandle_destroy(poll);
}

/* Asks for what is new, and answers the reads that it is enough for. */
static void serve(struct stream *f)
{
	struct error e = ERROR_INIT;
	size_t before = f->unread.len;
	int r = refill(f, &e);
	bool arrived = f->unread.len > before;

	while (!list_empty(&f->reads) && (f->unread.len > 0 || f->ended || r < 0)) {
		if (f->unread.len > 0) {
			answer_unread(f);
		} else if (r < 0) {
			note_error(f, "read", &e);
			fuse_reply_err(reading_take(oldest(f)), -r);
		} else {
			fuse_reply_buf(reading_take(oldest(f)), NULL, 0);
		}
		f->refused_ns = 0;
		before = f->unread.len;
		r = refill(f, &e);
		arrived |= f->unread.len > before;
	}
	arm(f);
	publish(f, f->unread.len > 0 || f->ended || r < 0, arrived);
}

static void timer_fire(struct loop_timer *t)
{
	serve(container_of(t, struct stream, timer));
}

void stream_wake(struct streams *s, uint64_t object)
{
	hash_for_each_match(f, &s->by_object, object, struct stream, by_object)
		if (f->key == object && f->opened)
			serve(f);
}

/* ---- reads ---- */

static void reading_interrupted(struct park *p)
{
	struct reading *r = p->data;
	struct stream *f = r->stream;

	fuse_reply_err(reading_take(r), EINTR);
	arm(f);
}

/* Of reads with O_NONBLOCK none stays. */
static void refuse(struct stream *f)
{
	list_for_each(r, &f->reads, struct reading, node) {
		if (!r->nonblock)
			continue;
		if (!f->refused_ns)
			f->refused_ns = r->since_ns;
		fuse_reply_err(reading_take(r), EAGAIN);
	}
	arm(f);
}

static void reading_run(struct loop_job *job)
{
	struct reading *r = container_of(job, struct reading, job);
	struct stream *f = r->stream;
	bool nonblock = r->nonblock;

	r->since_ns = clock_monotonic_ns();
	if (!nonblock) {
		r->park = park_new(f->streams->fs->loop, r->req, reading_interrupted);
		if (!r->park) {
			fuse_reply_err(reading_take(r), ENOMEM);
			return;
		}
		r->park->data = r;
	}
	list_push_back(&f->reads, &r->node);
	serve(f);
	if (nonblock)
		refuse(f);
}

void stream_read(struct streams *s, fuse_req_t req, struct stream *f, size_t size,
		 const struct fuse_file_info *fi)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (!r) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	list_init(&r->node);
	r->stream = f;
	r->req = req;
	r->size = size;
	r->nonblock = fi->flags & O_NONBLOCK;
	r->job.run = reading_run;
	loop_post(s->fs->loop, &r->job);
}

void stream_poll(struct streams *s, fuse_req_t req, struct stream *f, struct fuse_pollhandle *ph)
{
	struct fuse_pollhandle *old = NULL;
	bool readable;
	{
		lock_guard(&s->lock);
		readable = f->readable;
		if (ph) {
			old = f->poll;
			f->poll = ph;
		}
	}
	if (old)
		fuse_pollhandle_destroy(old);
	fuse_reply_poll(req, readable ? POLLIN | POLLRDNORM : 0);
}

/* ---- open and release ---- */

static void end(struct stream *f)
{
	struct streams *s = f->streams;
	struct stream_source source;
	struct registry_view view;

	loop_timer_cancel(&f->timer);
	while (!list_empty(&f->reads))
		fuse_reply_err(reading_take(oldest(f)), EIO);
	source_get(f, &source, &view);
	if (f->opened && f->ops->close)
		f->ops->close(&source, f->state);
	registry_view_done(&view);
	hash_remove(&s->by_object, &f->by_object);
	list_remove(&f->node);
	if (f->object)
		registry_release(s->fs->registry, f->object);
	if (f->poll)
		fuse_pollhandle_destroy(f->poll);
	buf_done(&f->unread);
	free(f);
}

/* A weaver is followed under its own number, whether it was opened by its name or by its id. */
static int own_number(struct stream *f)
{
	struct registry *registry = f->streams->fs->registry;
	struct registry_view asked, own;

	if (!f->object)
		return 0;
	if (registry_find(registry, f->object, &asked) < 0)
		return -ENOENT;
	int r = registry_find_uid(registry, asked.pod->uid, &own);
	registry_view_done(&asked);
	if (r < 0)
		return r;
	f->key = own.object;
	registry_view_done(&own);
	return 0;
}

static int begin(struct stream *f, struct error *e)
{
	struct streams *s = f->streams;
	struct stream_source source;
	struct registry_view view;
	int r = own_number(f);

	list_push_back(&s->all, &f->node);
	if (r < 0)
		return error_set(e, -r, "this weaver is gone");
	if (hash_insert(&s->by_object, &f->by_object, f->key) < 0)
		return error_oom(e);
	source_get(f, &source, &view);
	if (f->ops->open)
		r = f->ops->open(&source, f->state, e);
	registry_view_done(&view);
	f->opened = r == 0;
	return r;
}

static void open_run(struct loop_job *job)
{
	struct stream *f = container_of(job, struct stream, job);
	struct error e = ERROR_INIT;
	int r = begin(f, &e);

	if (r < 0) {
		note_error(f, "open", &e);
		fuse_reply_err(f->req, -r);
		end(f);
		return;
	}
	serve(f);
	/* The opener was killed meanwhile: there will be no RELEASE. */
	if (splice_reply_stream(f->streams->fs, f->req, f->ino, f) != 0)
		end(f);
}

void stream_open(struct streams *s, fuse_req_t req, fuse_ino_t ino, const struct stream_ops *ops,
		 struct fuse_file_info *fi, const struct caller *caller)
{
	uint64_t object = ino_object(ino) < INO_OBJECT_FIRST ? 0 : ino_object(ino);
	struct stream *f = calloc(1, sizeof(*f));

	if (!f || (object && registry_open(s->fs->registry, object) < 0)) {
		fuse_reply_err(req, f ? ENOENT : ENOMEM);
		free(f);
		return;
	}
	f->streams = s;
	f->ops = ops;
	f->req = req;
	(void)fi;
	f->ino = ino;
	f->caller = *caller;
	f->object = object;
	f->opened_ns = clock_monotonic_ns();
	list_init(&f->node);
	list_init(&f->reads);
	loop_timer_init(&f->timer, timer_fire);
	f->job.run = open_run;
	loop_post(s->fs->loop, &f->job);
}

static void release_run(struct loop_job *job)
{
	struct stream *f = container_of(job, struct stream, job);
	fuse_req_t req = f->req;
	end(f);
	fuse_reply_err(req, 0);
}

void stream_release(struct streams *s, fuse_req_t req, struct stream *f)
{
	f->req = req;
	f->job.run = release_run;
	loop_post(s->fs->loop, &f->job);
}

/* ---- life cycle, and what sync says ---- */

void stream_pod_changed(struct streams *s, const struct pod *before,
			const struct registry_view *now)
{
	stream_mount_pod_changed(s->mount, before, now);
	stream_wake(s, now->object);
}

void stream_publish(struct streams *s, enum stream_event event, const char *name,
		    const struct pod *pod)
{
	if (stream_mount_publish(s->mount, event, name, pod))
		stream_wake(s, 0);
}

int stream_new(struct weaverfs *fs, struct streams **ret, struct error *e)
{
	_cleanup_(cleanup_free) struct streams *s = calloc(1, sizeof(*s));

	if (!s)
		return error_oom(e);
	s->fs = fs;
	list_init(&s->all);
	int r = stream_mount_new(fs, &s->mount, e);
	if (r < 0)
		return r;
	lock_init(&s->lock, LOCK_LEAF);
	*ret = move_ptr(&s);
	return 0;
}

void stream_free(struct streams *s)
{
	if (!s)
		return;
	list_for_each(f, &s->all, struct stream, node)
		end(f);
	stream_mount_free(s->mount);
	hash_done(&s->by_object);
	lock_done(&s->lock);
	free(s);
}
