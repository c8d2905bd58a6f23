/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing. Errors of FLUSH are seen by nobody (shells ignore what close(2) says), so a value is
 * checked and applied at each WRITE. A draft's list may come in pieces: what was written so far in
 * this open is the content, its complete lines are checked at once, and a last line without its
 * newline counts when the file is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/life/bulk.h"
#include "fs/life/drafts.h"
#include "fs/life/store.h"
#include "fs/tree/act.h"
#include "fs/tree/file.h"
#include "fs/tree/file_private.h"
#include "fs/tree/ino.h"

#define MAX_WRITE_DEFAULT 4096
#define MAX_LIST (256u << 10) /* what annotations and a pod may hold */

static int check_write(const struct open_file *h, const char *data, size_t size, off_t offset,
		       struct error *e)
{
	bool list = h->bulk || h->attr->flags & ATTR_LINES;
	size_t max = list ? MAX_LIST : h->attr->max_write ? h->attr->max_write : MAX_WRITE_DEFAULT;

	if (size > max)
		return error_set(e, EFBIG, "%zu bytes, at most %zu can be written", size, max);
	if (offset != 0 && !list && !(h->fi.flags & O_APPEND))
		return error_set(e, EINVAL, "one write is one value: write it at offset 0");
	if (memchr(data, '\0', size))
		return error_set(e, EINVAL, "a NUL byte in the value");
	return 0;
}

static int apply(struct open_file *h, const char *content, size_t len, struct error *e)
{
	_cleanup_(buf_wipe) struct buf text = BUF_INIT; /* maybe secrets */

	buf_add(&text, content, len && content[len - 1] == '\n' ? len - 1 : len);
	if (buf_error(&text) < 0)
		return error_oom(e);
	return drafts_write(h->fs->drafts, ino_object(h->ino), h->attr, buf_str(&text), text.len,
			    e);
}

/* Room for len bytes, without leaving a copy of what may be secrets behind. */
static int grow(struct buf *b, size_t len)
{
	_cleanup_(buf_wipe) struct buf old = *b;

	if (len < b->cap) {
		old = (struct buf)BUF_INIT;
		return 0;
	}
	*b = (struct buf)BUF_INIT;
	int r = buf_reserve(b, len);
	buf_add(b, old.data, old.len);
	return r;
}

/* Puts data at its offset in what was written so far. */
static int gather(struct open_file *h, const char *data, size_t size, off_t offset, struct error *e)
{
	struct buf *b = &h->content;
	size_t at = h->fi.flags & O_APPEND ? b->len : (size_t)offset;

	if (at > b->len)
		return error_set(e, EINVAL, "a hole in the file: write from its start");
	if (at + size > MAX_LIST)
		return error_set(e, EFBIG, "%zu bytes, at most %u can be written", at + size,
				 MAX_LIST);
	if (grow(b, at + size) < 0)
		return error_oom(e);
	size_t over = b->len - at < size ? b->len - at : size;
	memcpy(b->data + at, data, over);
	buf_add(b, data + over, size - over);
	return buf_error(b) < 0 ? error_oom(e) : 0;
}

/* A list: all complete lines now, the rest when it is complete or the file is closed. */
static int write_list(struct open_file *h, const char *data, size_t size, off_t offset,
		      struct error *e)
{
	size_t before = h->content.len;
	int r = gather(h, data, size, offset, e);

	if (r < 0)
		return r;
	/* An array comes in one write: half of one is wrong, and close(2) would be too late. */
	bool json = h->content.len && h->content.data[0] == '[';
	const char *end = memrchr(h->content.data, '\n', h->content.len);
	size_t complete = json ? h->content.len : end ? (size_t)(end - h->content.data) + 1 : 0;
	h->unfinished = complete < h->content.len;
	if (complete)
		r = apply(h, h->content.data, complete, e);
	if (r < 0 && before < h->content.len) {
		h->content.len = before; /* all or nothing: as if the write had not come */
		h->unfinished = false;
	}
	return r;
}

static int write_draft(struct open_file *h, const char *data, size_t size, off_t offset,
		       struct error *e)
{
	return h->attr->flags & ATTR_LINES ? write_list(h, data, size, offset, e)
					   : apply(h, data, size, e);
}

static void write_store(struct open_file *h, fuse_req_t req, const char *data, size_t size,
			bool first, const struct caller *caller)
{
	struct store_request what = {
		.object = ino_object(h->ino),
		.attr = h->attr,
		.caller = *caller,
		.append = h->fi.flags & O_APPEND,
		.truncate = h->fi.flags & O_TRUNC && first,
		.data = data,
		.len = size,
	};
	store_start(h->fs, req, &what);
}

void file_write_data(fuse_req_t req, const char *data, size_t size, off_t offset,
		     const struct fuse_file_info *fi, const struct caller *caller)
{
	struct open_file *h = file_of(fi);
	struct error e = ERROR_INIT;
	bool first = !h->written;
	int r = check_write(h, data, size, offset, &e);

	h->written = true;
	if (r == 0 && h->attr->act && !h->bulk) {
		act_start(h->fs, req, h->ino, h->attr, caller, size);
		return;
	}
	if (r == 0 && h->bulk)
		r = bulk_write(h->bulk, data, size, &e);
	else if (r == 0 && h->scope == ATTR_DRAFT)
		r = write_draft(h, data, size, offset, &e);
	else if (r == 0)
		return write_store(h, req, data, size, first, caller);
	/* libfuse's own buffer, which it fills again and never wipes */
	if (h->scope == ATTR_DRAFT)
		explicit_bzero((void *)(uintptr_t)data, size);
	if (r < 0) {
		file_error(h, caller->uid, "write", &e);
		fuse_reply_err(req, -r);
		return;
	}
	fuse_reply_write(req, size);
}

void file_write_truncated(struct open_file *h)
{
	if (h->scope == ATTR_DRAFT && !h->written && h->fi.flags & O_TRUNC && h->attr->draft)
		apply(h, "", 0, NULL); /* one that must not be empty keeps its value */
}

/*
 * close(2), also of a dup: a shell's redirection sends one before the first WRITE too, so
 * `: > file` empties a draft's value at the second one, or at the latest when it is released. A
 * write that was refused must not.
 */
void file_write_flush(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct open_file *h = file_of(fi);
	struct error e = ERROR_INIT;
	int r = 0;

	if (h->scope == ATTR_DRAFT && h->unfinished) {
		r = apply(h, h->content.data, h->content.len, &e);
		h->unfinished = false;
	} else if (h->flushes++ > 0) {
		file_write_truncated(h);
	}
	if (r < 0)
		file_error(h, h->caller.uid, "close", &e);
	fuse_reply_err(req, -r);
}
