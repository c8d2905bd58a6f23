/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is served with direct_io: a read gives exactly what the handle has, whatever size the
 * kernel believes. (Through the page cache an incremental reader of a growing file gets NUL bytes.)
 * Errors of FLUSH are seen by nobody, so values are checked and applied at each WRITE.
 */
#include "fs/tree/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/errors.h"
#include "fs/into/splice.h"
#include "fs/life/bulk.h"
#include "fs/life/store.h"
#include "fs/logs/fetch.h"
#include "fs/logs/logs.h"
#include "fs/logs/spool.h"
#include "fs/tree/file_private.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"

static void handle_free_unreleased(struct handles_node *node)
{
	struct open_file *h = container_of(node, struct open_file, node);

	if (h->counted)
		registry_release(h->fs->registry, ino_object(h->ino));
	spool_reader_free(h->spool);
	cleanup_close(&h->fd);
	if (h->bulk)
		bulk_free(h->bulk);
	buf_wipe(&h->content); /* maybe secrets */
	free(h);
}

static void handle_free(struct open_file *h)
{
	handles_remove(h->fs->handles, &h->node);
	handle_free_unreleased(&h->node);
}

static off_t size_of(const struct open_file *h)
{
	struct stat st;

	if (h->bulk || h->attr->flags & ATTR_CALLER)
		return SPLICE_NO_SIZE;
	if (h->spool)
		return spool_reader_size(h->spool);
	if (h->fd >= 0)
		return fstat(h->fd, &st) == 0 ? st.st_size : 0;
	return (off_t)h->content.len;
}

/* Answers OPEN with h; what only happens when the caller was killed meanwhile is undone. */
static void handle_reply(struct open_file *h, fuse_req_t req)
{
	h->fi.fh = (uintptr_t)h;
	h->fi.direct_io = 1;
	if ((h->fi.flags & O_ACCMODE) != O_WRONLY && !(h->attr->flags & ATTR_CONSTANT))
		splice_announce(h->fs, h->ino, size_of(h));
	if (fuse_reply_open(req, &h->fi) == 0)
		return;
	if (h->logs)
		logs_release(h->logs, ino_object(h->ino));
	handle_free(h);
}

void file_error(const struct open_file *h, uid_t uid, const char *op, const struct error *e)
{
	struct node n;
	char path[256] = "?";

	if (node_find(h->fs, h->ino, &h->caller, &n) == 0) {
		node_path(&n, path, sizeof(path));
		node_done(&n);
	}
	errors_add(h->fs->errors, uid, op, path, e);
}

static void handle_fail(struct open_file *h, fuse_req_t req, const struct error *e)
{
	file_error(h, h->caller.uid, "open", e);
	fuse_reply_err(req, e->code);
	handle_free(h);
}

static void on_spool(void *data, fuse_req_t req, struct spool *spool, const struct error *e)
{
	struct open_file *h = data;
	struct error failure;
	if (!spool && !e) {
		handle_free(h); /* interrupted, and answered */
		return;
	}
	if (spool)
		h->logs = h->fs->logs[h->attr->spool];
	if (spool && spool_reader_new(spool, &h->spool) < 0) {
		error_oom(&failure);
		logs_release(h->logs, ino_object(h->ino));
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
	struct open_file *h = data;
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
	const struct attr *a = n->attr;
	int want = flags & O_ACCMODE;
	bool bulk = a->flags & ATTR_BULK;
	bool readable = bulk || a->show || a->fetch || a->forward || a->stream ||
			a->spool != SPOOL_NONE || n->scope == ATTR_ARCHIVE;
	bool writable = table_writable(a, n->scope);

	return (want != O_RDONLY && !writable) || (want != O_WRONLY && !readable) ? -EACCES : 0;
}

static int check_open(const struct node *n, int flags)
{
	if (n->w.gone)
		return -ENOENT; /* a cached name; what is open already goes on */
	return node_is_dir(n) ? -EISDIR : check_access(n, flags);
}

static int handle_new(struct weaverfs *fs, const struct node *n, const struct fuse_file_info *fi,
		      struct open_file **ret)
{
	struct open_file *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->fs = fs;
	h->attr = n->attr;
	h->scope = n->scope;
	h->ino = n->ino;
	h->caller = n->view.caller;
	h->fi = *fi;
	h->fd = -1;
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

/* What the handle has from the start. A draft's list that is not truncated is changed in place. */
static int fill(struct open_file *h, const struct node *n, struct error *e)
{
	bool list = n->scope == ATTR_DRAFT && n->attr->flags & ATTR_LINES;
	bool reads = (h->fi.flags & O_ACCMODE) != O_WRONLY;
	int r = 0;

	if (n->attr->flags & ATTR_BULK) {
		h->bulk = bulk_new(h->fs, &h->caller);
		return h->bulk ? 0 : error_oom(e);
	}
	if (n->scope == ATTR_ARCHIVE) {
		h->fd = archive_open_file(h->fs->archive, n->object, n->attr->name);
		return h->fd < 0 ? error_set(e, -h->fd, "cannot be read from the archive") : 0;
	}
	if (list ? !(h->fi.flags & O_TRUNC) : reads && n->attr->show)
		r = n->attr->show(&n->view, &h->content, e);
	return r == 0 && buf_error(&h->content) < 0 ? error_oom(e) : r;
}

void file_open(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	       const struct caller *caller)
{
	struct node n;
	struct open_file *h = NULL;
	struct error e = ERROR_INIT;
	int r = node_find(fs, ino, caller, &n);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	r = check_open(&n, fi->flags);
	const struct attr *a = n.attr;
	bool live_read = r == 0 && n.scope == ATTR_LIVE && (fi->flags & O_ACCMODE) != O_WRONLY;
	if (r == 0)
		r = handle_new(fs, &n, fi, &h);
	if (r == 0)
		r = fill(h, &n, &e);
	node_done(&n);

	if (r < 0 && h) {
		if (!e.code)
			error_set(&e, -r, "cannot be shown");
		handle_fail(h, req, &e);
	} else if (r < 0) {
		fuse_reply_err(req, -r);
	} else if (live_read && a->spool != SPOOL_NONE) {
		logs_open(fs->logs[a->spool], req, ino_object(ino), on_spool, h);
	} else if (live_read && (a->fetch || a->forward)) {
		fetch_open(fs->fetch, req, ino, caller, on_fetched, h);
	} else {
		handle_reply(h, req);
	}
}

static void reply_bytes(fuse_req_t req, char *to, ssize_t n)
{
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, to, (size_t)n);
}

void file_read(fuse_req_t req, size_t size, off_t offset, const struct fuse_file_info *fi)
{
	struct open_file *h = file_of(fi);

	if ((h->bulk || h->attr->flags & ATTR_CALLER) && splice_fills_cache(fi)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (h->bulk) {
		bulk_read(h->bulk, req, size);
		return;
	}
	if (!h->spool && h->fd < 0) {
		size_t at = offset < (off_t)h->content.len ? (size_t)offset : h->content.len;
		size_t n = h->content.len - at < size ? h->content.len - at : size;
		fuse_reply_buf(req, n ? h->content.data + at : NULL, n);
		return;
	}
	_cleanup_(cleanup_free) char *to = malloc(size);
	if (!to)
		fuse_reply_err(req, ENOMEM);
	else if (h->spool)
		reply_bytes(req, to, spool_reader_read(h->spool, to, size, offset));
	else {
		ssize_t n = pread(h->fd, to, size, offset);
		reply_bytes(req, to, n < 0 ? -errno : n);
	}
}

/* `: > tags` of a live weaver clears when the last descriptor is closed without a write. */
static void release_truncated(struct open_file *h)
{
	if (h->scope != ATTR_LIVE || h->written || !(h->fi.flags & O_TRUNC) ||
	    !(h->attr->flags & ATTR_LINES) || !h->attr->store)
		return;
	struct store_request what = {
		.object = ino_object(h->ino),
		.attr = h->attr,
		.caller = h->caller,
		.truncate = true,
		.data = "",
	};
	store_start(h->fs, NULL, &what);
}

void file_release(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct open_file *h = file_of(fi);

	release_truncated(h);
	file_write_truncated(h);
	if (h->logs)
		logs_release(h->logs, ino_object(h->ino));
	handle_free(h);
	fuse_reply_err(req, 0);
}
