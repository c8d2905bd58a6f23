/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is served with direct_io: a read gives exactly what the handle has, whatever size the
 * kernel believes. (Through the page cache an incremental reader of a growing file gets NUL bytes.)
 * Errors of FLUSH are seen by nobody, so values are checked and applied at each WRITE.
 */
#include "fs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs/act.h"
#include "fs/errors.h"
#include "fs/fetch.h"
#include "fs/handles.h"
#include "fs/ino.h"
#include "fs/logs.h"
#include "fs/metrics.h"
#include "fs/node.h"
#include "fs/spool.h"
#include "fs/store.h"

#define MAX_WRITE_DEFAULT 4096

struct handle {
	struct handles_node node;
	struct weaverfs *fs;
	const struct attr *attr;
	fuse_ino_t ino;
	struct caller caller;
	struct fuse_file_info fi;   /* as it was at OPEN, for an answer that comes later */
	struct buf content;         /* snapshot */
	struct spool_reader *spool; /* a growing file; NULL: a snapshot */
	bool logs;                  /* logs_release() is owed */
	bool counted;               /* registry_release() is owed */
	bool written;               /* the first WRITE after O_TRUNC has come */
};

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static void handle_free_unreleased(struct handles_node *node)
{
	struct handle *h = container_of(node, struct handle, node);

	if (h->counted)
		registry_release(h->fs->registry, ino_object(h->ino));
	spool_reader_free(h->spool);
	buf_done(&h->content);
	free(h);
}

static void handle_free(struct handle *h)
{
	handles_remove(h->fs->handles, &h->node);
	handle_free_unreleased(&h->node);
}

/* Answers OPEN with h; what only happens when the caller was killed meanwhile is undone. */
static void handle_reply(struct handle *h, fuse_req_t req)
{
	h->fi.fh = (uintptr_t)h;
	h->fi.direct_io = 1;
	if (fuse_reply_open(req, &h->fi) == 0)
		return;
	if (h->logs)
		logs_release(h->fs->logs, ino_object(h->ino));
	handle_free(h);
}

static void handle_fail(struct handle *h, fuse_req_t req, const struct error *e)
{
	struct node n;
	char path[160] = "?";
	if (node_find(h->fs, h->ino, &h->caller, &n) == 0) {
		node_path(&n, path, sizeof(path));
		node_done(&n);
	}
	errors_add(h->fs->errors, h->caller.uid, "open", path, e);
	fuse_reply_err(req, e->code);
	handle_free(h);
}

static void on_spool(void *data, fuse_req_t req, struct spool *spool, const struct error *e)
{
	struct handle *h = data;
	struct error failure;
	if (!spool && !e) {
		handle_free(h); /* interrupted, and answered */
		return;
	}
	h->logs = spool != NULL;
	if (spool && spool_reader_new(spool, &h->spool) < 0) {
		error_oom(&failure);
		logs_release(h->fs->logs, ino_object(h->ino));
		e = &failure;
	}
	spool_unref(spool);
	if (e)
		handle_fail(h, req, e);
	else
		handle_reply(h, req);
}

static void on_fetched(void *data, fuse_req_t req, const struct buf *content, const struct error *e)
{
	struct handle *h = data;
	struct error failure;
	if (!content && !e) {
		handle_free(h); /* interrupted, and answered */
		return;
	}
	if (content)
		buf_add(&h->content, content->data, content->len);
	if (content && buf_error(&h->content) < 0) {
		error_oom(&failure);
		e = &failure;
	}
	if (e)
		handle_fail(h, req, e);
	else
		handle_reply(h, req);
}

/* Root passes the kernel's check of the mode; what has no hook still cannot be done. */
static int check_access(const struct node *n, int flags)
{
	int want = flags & O_ACCMODE;
	bool readable = n->attr->show || n->attr->fetch || n->attr->spool != ATTR_SPOOL_NONE;
	bool writable = (n->attr->store || n->attr->act) && table_mode(n->attr, n->scope) & 0222;
	if ((want != O_RDONLY && !writable) || (want != O_WRONLY && !readable))
		return -EACCES;
	return 0;
}

static int handle_new(struct weaverfs *fs, const struct node *n, const struct fuse_file_info *fi,
		      struct handle **ret)
{
	struct handle *h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->fs = fs;
	h->attr = n->attr;
	h->ino = n->ino;
	h->caller = n->view.caller;
	h->fi = *fi;
	if (n->scope == ATTR_LIVE) {
		int r = registry_open(fs->registry, n->object);
		if (r < 0) {
			free(h);
			return r;
		}
		h->counted = true;
	}
	handles_add(fs->handles, &h->node, handle_free_unreleased);
	*ret = h;
	return 0;
}

void file_open(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	       const struct caller *caller)
{
	struct node n;
	struct handle *h = NULL;
	struct error e = ERROR_INIT;
	int r = node_find(fs, ino, caller, &n);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	/* A cached name in the directory of a weaver that is gone; what is open already goes on. */
	r = n.w.gone ? -ENOENT : n.attr ? check_access(&n, fi->flags) : -EISDIR;
	if (r == 0)
		r = handle_new(fs, &n, fi, &h);
	bool reads = (fi->flags & O_ACCMODE) != O_WRONLY;
	if (r == 0 && reads && n.attr->show)
		r = n.attr->show(&n.view, &h->content, &e);
	if (r == 0)
		r = h ? buf_error(&h->content) : 0;
	enum attr_spool spool = n.attr ? n.attr->spool : ATTR_SPOOL_NONE;
	bool fetched = n.attr && n.attr->fetch;
	node_done(&n);

	if (r < 0 && h) {
		error_set(&e, -r, "%s", e.text[0] ? e.text : "cannot be shown");
		handle_fail(h, req, &e);
	} else if (r < 0) {
		fuse_reply_err(req, -r);
	} else if (reads && spool != ATTR_SPOOL_NONE) {
		logs_open(fs->logs, req, ino_object(ino), on_spool, h);
	} else if (reads && fetched) {
		fetch_open(fs->fetch, req, ino, caller, on_fetched, h);
	} else {
		handle_reply(h, req);
	}
}

void file_read(fuse_req_t req, size_t size, off_t offset, const struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	if (!h->spool) {
		size_t at = offset < (off_t)h->content.len ? (size_t)offset : h->content.len;
		size_t n = h->content.len - at < size ? h->content.len - at : size;
		fuse_reply_buf(req, n ? h->content.data + at : NULL, n);
		return;
	}
	_cleanup_(cleanup_free) char *to = malloc(size);
	ssize_t n = to ? spool_reader_read(h->spool, to, size, offset) : -ENOMEM;
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, to, (size_t)n);
}

static int check_write(const struct handle *h, const char *data, size_t size, off_t offset,
		       struct error *e)
{
	size_t max = h->attr->max_write ? h->attr->max_write : MAX_WRITE_DEFAULT;
	if (!h->attr->store && !h->attr->act)
		return error_set(e, EACCES, "read-only");
	if (size > max)
		return error_set(e, EFBIG, "%zu bytes, at most %zu can be written at once", size,
				 max);
	if (offset != 0 && !(h->fi.flags & O_APPEND))
		return error_set(e, EINVAL, "one write is one value: write it at offset 0");
	if (memchr(data, '\0', size))
		return error_set(e, EINVAL, "a NUL byte in the value");
	return 0;
}

void file_write(struct weaverfs *fs, fuse_req_t req, const char *data, size_t size, off_t offset,
		const struct fuse_file_info *fi, const struct caller *caller)
{
	struct handle *h = handle_of(fi);
	struct error e = ERROR_INIT;
	if (check_write(h, data, size, offset, &e) < 0) {
		struct node n;
		char path[160] = "?";
		if (node_find(fs, h->ino, caller, &n) == 0) {
			node_path(&n, path, sizeof(path));
			node_done(&n);
		}
		errors_add(fs->errors, caller->uid, "write", path, &e);
		fuse_reply_err(req, e.code);
		return;
	}
	if (h->attr->act) {
		act_start(fs, req, h->ino, h->attr, caller, size);
		return;
	}
	struct store_request what = {
		.object = ino_object(h->ino),
		.attr = h->attr,
		.caller = *caller,
		.append = h->fi.flags & O_APPEND,
		.truncate = h->fi.flags & O_TRUNC && !h->written,
		.data = data,
		.len = size,
	};
	h->written = true;
	store_start(fs, req, &what);
}

void file_release(struct weaverfs *fs, fuse_req_t req, const struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	if (h->logs)
		logs_release(fs->logs, ino_object(h->ino));
	handle_free(h);
	fuse_reply_err(req, 0);
}
