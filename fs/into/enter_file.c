/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the kernel, handed over to the ws thread, where enter_serve.c answers them. */
#include "fs/into/enter_file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/errors.h"
#include "fs/into/enter.h"
#include "fs/into/splice.h"
#include "fs/stream/park.h"
#include "fs/tree/node.h"
#include "k8s/ws.h"

#define FLUSH_MS 2000

/* ---- requests ---- */

static void on_interrupted(struct park *p)
{
	struct call *c = p->data;
	struct enter_file *f = c->file;
	size_t done = c->done;

	if (done > 0)
		fuse_reply_write(enter_serve_take(c), done);
	else
		fuse_reply_err(enter_serve_take(c), EINTR);
	enter_serve_all(f);
}

static void on_flush_late(struct ws_timer *t)
{
	enter_serve_fail(&container_of(t, struct enter_file, flush_deadline)->flushes, ETIMEDOUT);
}

static void on_call(struct ws_job *job)
{
	struct call *c = container_of(job, struct call, job);
	struct enter_file *f = c->file;

	list_push_back(c->queue, &c->node);
	if (c->queue == &f->reads)
		f->reading = true;
	if (c->queue == &f->flushes)
		ws_timer_set(f->files->fs->ws, &f->flush_deadline, FLUSH_MS, on_flush_late);
	if (!c->nonblock) {
		c->park = park_ws_new(f->files->fs->ws, c->req, on_interrupted);
		if (!c->park) {
			fuse_reply_err(enter_serve_take(c), ENOMEM);
			return;
		}
		c->park->data = c;
	}
	enter_serve_all(f);
}

static struct enter_file *file_of(const struct fuse_file_info *fi)
{
	return (struct enter_file *)(uintptr_t)fi->fh;
}

static void call_start(struct enter_file *f, struct list *queue, fuse_req_t req, const char *data,
		       size_t size, bool nonblock)
{
	struct call *c = calloc(1, sizeof(*c) + (data ? size : 0));

	if (!c) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (data)
		memcpy(c->data, data, size);
	list_init(&c->node);
	c->job.run = on_call;
	c->file = f;
	c->queue = queue;
	c->req = req;
	c->size = size;
	c->nonblock = nonblock;
	ws_post(f->files->fs->ws, &c->job);
}

void enter_file_read(fuse_req_t req, size_t size, const struct fuse_file_info *fi)
{
	struct enter_file *f = file_of(fi);

	call_start(f, &f->reads, req, NULL, size, fi->flags & O_NONBLOCK);
}

void enter_file_write(fuse_req_t req, const char *data, size_t size,
		      const struct fuse_file_info *fi)
{
	struct enter_file *f = file_of(fi);

	call_start(f, &f->writes, req, data, size, fi->flags & O_NONBLOCK);
}

/* When close(2) has returned 0, what was written to stdin is on its way. */
void enter_file_flush(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct enter_file *f = file_of(fi);

	if (f->kind == ATTR_ENTER_STDIN)
		call_start(f, &f->flushes, req, NULL, 0, false);
	else
		fuse_reply_err(req, 0);
}

void enter_file_poll(fuse_req_t req, const struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct enter_file *f = file_of(fi);
	struct fuse_pollhandle *old = NULL;
	unsigned ready;
	{
		lock_guard(&f->files->lock);
		ready = f->ready;
		if (ph) {
			old = f->poll;
			f->poll = ph;
		}
	}
	if (old)
		fuse_pollhandle_destroy(old);
	fuse_reply_poll(req, ready);
}

/* ---- open and release ---- */

static void end(struct enter_file *f)
{
	ws_timer_cancel(&f->flush_deadline);
	enter_serve_fail(&f->writes, EIO);
	enter_serve_fail(&f->reads, EIO);
	enter_serve_fail(&f->flushes, EIO);
	if (f->command && f->kind == ATTR_ENTER_STDIN)
		enter_input_keep(f->files, f->object, f->command);
	else
		command_close(f->command);
	registry_release(f->files->fs->registry, f->object);
	list_remove(&f->node);
	if (f->poll)
		fuse_pollhandle_destroy(f->poll);
	buf_wipe(&f->line);
	buf_wipe(&f->out);
	free(f);
}

static void on_open(struct ws_job *job)
{
	struct enter_file *f = container_of(job, struct enter_file, job);

	list_push_back(&f->files->all, &f->node);
	if (f->kind == ATTR_ENTER_STDIN)
		enter_serve_start(f);
	if (f->error.code) {
		fuse_reply_err(f->req, f->error.code);
		end(f);
		return;
	}
	enter_serve_publish(f);
	/* The opener was killed meanwhile: there will be no RELEASE. */
	if (splice_reply_stream(f->files->fs, f->req, f->ino, f) != 0)
		end(f);
}

/* Root passes the kernel's check of the mode. */
static int check_open(const struct node *n, int flags, struct error *e)
{
	struct command_target target;

	if (n->w.gone)
		return error_set(e, ENOENT, "this weaver is gone");
	if (n->attr->enter == ATTR_ENTER_STDIN && (flags & O_ACCMODE) != O_WRONLY)
		return error_set(e, EACCES, "stdin can be written, not read");
	return enter_target(&n->w, &target, e);
}

static int open_node(const struct node *n, fuse_req_t req, int flags, struct error *e)
{
	const struct weaverfs *fs = n->view.fs;
	int r = check_open(n, flags, e);

	if (r < 0)
		return r;
	struct enter_file *f = calloc(1, sizeof(*f));
	if (!f)
		return error_oom(e);
	r = registry_open(fs->registry, n->object);
	if (r < 0) {
		free(f);
		return error_set(e, -r, "this weaver is gone");
	}
	f->files = fs->enter_files;
	f->kind = n->attr->enter;
	f->ino = n->ino;
	f->object = n->object;
	f->caller = n->view.caller;
	snprintf(f->name, sizeof(f->name), "%s", n->w.name);
	f->req = req;
	f->job.run = on_open;
	list_init(&f->node);
	list_init(&f->writes);
	list_init(&f->reads);
	list_init(&f->flushes);
	ws_post(fs->ws, &f->job);
	return 0;
}

void enter_file_open(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino,
		     const struct fuse_file_info *fi, const struct caller *caller)
{
	char path[REGISTRY_NAME_MAX + 16];
	struct error e = ERROR_INIT;
	struct node n;
	int r = node_find(fs, ino, caller, &n);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	r = open_node(&n, req, fi->flags, &e);
	if (r < 0) {
		node_path(&n, path, sizeof(path));
		errors_add(fs->errors, caller->uid, "open", path, &e);
		fuse_reply_err(req, -r);
	}
	node_done(&n);
}

static void on_release(struct ws_job *job)
{
	struct enter_file *f = container_of(job, struct enter_file, job);
	fuse_req_t req = f->req;

	end(f);
	fuse_reply_err(req, 0);
}

void enter_file_release(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct enter_file *f = file_of(fi);

	f->req = req;
	f->job.run = on_release;
	ws_post(f->files->fs->ws, &f->job);
}

/* ---- life ---- */

int enter_file_new(struct weaverfs *fs, struct enter_files **ret, struct error *e)
{
	struct enter_files *files = calloc(1, sizeof(*files));

	if (!files)
		return error_oom(e);
	files->fs = fs;
	list_init(&files->all);
	list_init(&files->kept);
	lock_init(&files->lock, LOCK_LEAF);
	*ret = files;
	return 0;
}

void enter_file_close_all(struct enter_files *files)
{
	list_for_each(f, &files->all, struct enter_file, node)
		end(f);
	enter_input_finish_all(files);
}

void enter_file_free(struct enter_files *files)
{
	if (!files)
		return;
	lock_done(&files->lock);
	free(files);
}
