/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FUSE operations: each decodes its inode number, calls the engine (node, file, store, create,
 * delete) and answers once. Nothing here waits: what needs the API server goes to the cluster
 * thread, which answers. Whatever a user may try gets EPERM or a better word, never sees ENOSYS.
 */
#include "fs/tree/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/config/config.h"
#include "fs/into/enter_file.h"
#include "fs/into/splice.h"
#include "fs/life/quota.h"
#include "fs/life/store.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/stream/stream.h"
#include "fs/tree/alias.h"
#include "fs/tree/dir.h"
#include "fs/tree/file.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"

#define BLOCK_SIZE 4096

static void ops_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want |= conn->capable &
		      (FUSE_CAP_READDIRPLUS | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS);
	/* ls -l of thousands of weavers: attributes come with the names, always. */
	conn->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
}

/* Numbers, not objects: nothing is kept per inode but for aliases. */
static void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct weaverfs *fs = fuse_req_userdata(req);

	alias_forget(fs->aliases, ino, nlookup);
	fuse_reply_none(req);
}

static void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct weaverfs *fs = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++)
		alias_forget(fs->aliases, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, struct weaverfs *fs, fuse_ino_t ino,
		       const struct caller *caller)
{
	struct fuse_entry_param entry = { 0 };
	struct node n;
	int r = node_find(fs, ino, caller, &n);
	if (r == 0) {
		node_entry(&n, &entry);
		node_done(&n);
	} else if (poke_passes(fs->poke, caller->pid, ino_object(ino), ino_row(ino))) {
		dir_gone_attr(ino, &entry.attr);
	} else {
		fuse_reply_err(req, -r);
		return;
	}
	fuse_reply_attr(req, &entry.attr, entry.attr_timeout);
}

static void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	reply_attr(req, fs, ino, &caller);
}

/*
 * Of a file only what changes nothing is allowed: touch, the truncation before a write, its own
 * mode and owner. A weaver's directory keeps mode and owner in its pod.
 */
static int check_setattr(const struct node *n, const struct stat *st, int to_set)
{
	struct stat now;
	node_stat(n, &now);
	bool mode = to_set & FUSE_SET_ATTR_MODE && (st->st_mode & 07777) != (now.st_mode & 07777);
	bool uid = to_set & FUSE_SET_ATTR_UID && st->st_uid != now.st_uid;
	bool gid = to_set & FUSE_SET_ATTR_GID && st->st_gid != now.st_gid;
	bool size = to_set & FUSE_SET_ATTR_SIZE;
	bool weaver = !n->attr && n->scope == ATTR_LIVE;
	if ((mode || uid || gid) && !weaver)
		return -EPERM;
	if (size && !(n->attr && table_writable(n->attr, n->scope)))
		return -EACCES;
	return mode || uid || gid;
}

static void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
			struct fuse_file_info *fi)
{
	(void)fi;
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	enum poke_view view = poke_setattr(fs->poke, caller.pid, ino_object(ino), ino_row(ino));
	if (view != POKE_NOT_OURS) {
		if (view == POKE_DONE)
			reply_attr(req, fs, ino, &caller);
		else
			fuse_reply_err(req, EPERM);
		return;
	}
	struct node n;
	int r = node_find(fs, ino, &caller, &n);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	struct store_request what = {
		.object = n.object, .caller = caller, .st = *st, .to_set = to_set
	};
	r = check_setattr(&n, st, to_set);
	node_done(&n);
	if (r < 0)
		fuse_reply_err(req, -r);
	else if (r == 0)
		reply_attr(req, fs, ino, &caller);
	else
		store_start(fs, req, &what);
}

/* ---- files ---- */

/* The kind of stream that an inode number stands for; NULL: an ordinary file. */
static const struct stream_ops *stream_of(fuse_ino_t ino)
{
	unsigned row = ino_row(ino);

	return row >= ATTR_ROW_FIRST && row <= table_n ? table_rows[row].stream : NULL;
}

static struct stream *stream_handle(const struct fuse_file_info *fi)
{
	return (struct stream *)(uintptr_t)fi->fh;
}

static void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	const struct stream_ops *stream = stream_of(ino);

	if (table_enter(ino_row(ino)))
		enter_file_open(fs, req, ino, fi, &caller);
	else if (!stream)
		file_open(fs, req, ino, fi, &caller);
	else if ((fi->flags & O_ACCMODE) != O_RDONLY)
		fuse_reply_err(req, EACCES);
	else
		stream_open(fs->streams, req, ino, stream, fi, &caller);
}

static void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);

	bool entered = table_enter(ino_row(ino)) != ATTR_ENTER_NONE;

	if (!entered && !stream_of(ino))
		file_read(req, size, offset, fi);
	else if (splice_fills_cache(fi))
		fuse_reply_err(req, EINVAL);
	else if (entered)
		enter_file_read(req, size, fi);
	else
		stream_read(fs->streams, req, stream_handle(fi), size, fi);
}

static void ops_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	struct caller caller;

	dir_begin(req, &caller);
	if (table_enter(ino_row(ino)))
		enter_file_write(req, data, size, fi);
	else
		file_write_data(req, data, size, offset, fi, &caller);
}

static void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct weaverfs *fs = fuse_req_userdata(req);

	if (table_enter(ino_row(ino)))
		enter_file_release(req, fi);
	else if (stream_of(ino))
		stream_release(fs->streams, req, stream_handle(fi));
	else
		file_release(req, fi);
}

static void ops_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		     struct fuse_pollhandle *ph)
{
	struct weaverfs *fs = fuse_req_userdata(req);

	if (table_enter(ino_row(ino))) {
		enter_file_poll(req, fi, ph);
		return;
	}
	if (stream_of(ino)) {
		stream_poll(fs->streams, req, stream_handle(fi), ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, POLLIN | POLLOUT); /* never waits */
}

static void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (table_enter(ino_row(ino)))
		enter_file_flush(req, fi);
	else if (stream_of(ino))
		fuse_reply_err(req, 0);
	else
		file_write_flush(req, fi);
}

static void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0); /* every write has been applied when it was made */
}

static void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	struct registry_counts counts;
	registry_counts(fs->registry, &counts);
	fsfilcnt_t max = (fsfilcnt_t)fs->config->max_concurrent;
	fsfilcnt_t free_slots = counts.active < max ? max - counts.active : 0;
	struct statvfs st = {
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_files = max,
		.f_ffree = free_slots,
		.f_favail = free_slots,
		.f_namemax = REGISTRY_NAME_MAX - 1,
	};
	quota_statfs(fs->quota, &st);
	fuse_reply_statfs(req, &st);
}

/* ---- what there is not ---- */

static void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM); /* attributes, as in cgroupfs: the weaver lives, see rmdir */
}

static void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		       struct fuse_file_info *fi)
{
	(void)mode;
	(void)fi;
	ops_unlink(req, parent, name);
}

static void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	ops_unlink(req, parent, name);
}

static void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	ops_unlink(req, parent, name);
}

/*
 * The kernel takes ENOSYS as "never ask again" and says EOPNOTSUPP to users: `ls -l` asks for three
 * attributes of each entry, which took most of its time.
 */
static void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	(void)ino;
	(void)name;
	(void)size;
	struct caller caller;
	dir_begin(req, &caller);
	fuse_reply_err(req, ENOSYS);
}

static void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			 size_t size, int flags)
{
	(void)ino;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fuse_reply_err(req, EOPNOTSUPP);
}

static void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	(void)ino;
	(void)size;
	fuse_reply_err(req, ENOSYS);
}

static void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	(void)name;
	fuse_reply_err(req, EOPNOTSUPP);
}

static void ops_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			  struct fuse_file_info *fi)
{
	(void)ino;
	(void)mode;
	(void)offset;
	(void)length;
	(void)fi;
	fuse_reply_err(req, EOPNOTSUPP);
}

const struct fuse_lowlevel_ops ops_table = {
	.init = ops_init,
	.lookup = dir_lookup,
	.forget = ops_forget,
	.forget_multi = ops_forget_multi,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.opendir = dir_open,
	.readdir = dir_read,
	.readdirplus = dir_readplus,
	.releasedir = dir_release,
	.mkdir = dir_mkdir,
	.rmdir = dir_rmdir,
	.open = ops_open,
	.read = ops_read,
	.write = ops_write,
	.release = ops_release,
	.poll = ops_poll,
	.flush = ops_flush,
	.fsync = ops_fsync,
	.fsyncdir = ops_fsync,
	.statfs = ops_statfs,
	.unlink = ops_unlink,
	.mknod = dir_mknod,
	.create = ops_create,
	.symlink = ops_symlink,
	.link = ops_link,
	.rename = dir_rename,
	.getxattr = ops_getxattr,
	.setxattr = ops_setxattr,
	.listxattr = ops_listxattr,
	.removexattr = ops_removexattr,
	.fallocate = ops_fallocate,
};
