/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FUSE operations: each decodes its inode number, calls the engine (node, file, store, create,
 * delete) and answers once. Nothing here waits: what needs the API server goes to the cluster
 * thread, which answers. Whatever a user may try gets EPERM or a better word, never sees ENOSYS.
 */
#include "fs/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/config.h"
#include "fs/create.h"
#include "fs/delete.h"
#include "fs/errors.h"
#include "fs/file.h"
#include "fs/handles.h"
#include "fs/ino.h"
#include "fs/metrics.h"
#include "fs/node.h"
#include "fs/store.h"

#define BLOCK_SIZE 4096

static struct weaverfs *begin(fuse_req_t req, struct caller *caller)
{
	struct weaverfs *fs = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	*caller = (struct caller){ ctx->uid, ctx->gid, ctx->pid, ctx->umask };
	metrics_add(fs->metrics, METRIC_OPERATIONS, 1);
	return fs;
}

static void ops_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want |= conn->capable &
		      (FUSE_CAP_READDIRPLUS | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS);
	/* ls -l of thousands of weavers: attributes come with the names, always. */
	conn->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
}

static void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
	struct node dir, n;
	int r = node_find(fs, parent, &caller, &dir);
	if (r == 0) {
		r = dir.w.gone ? -ENOENT : node_lookup(fs, &dir, name, &caller, &n);
		node_done(&dir);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	struct fuse_entry_param entry;
	node_entry(&n, &entry);
	node_done(&n);
	fuse_reply_entry(req, &entry);
}

static void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	(void)ino;
	(void)nlookup;
	fuse_reply_none(req); /* numbers, not objects: nothing is kept per inode */
}

static void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, struct weaverfs *fs, fuse_ino_t ino,
		       const struct caller *caller)
{
	struct node n;
	int r = node_find(fs, ino, caller, &n);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	struct fuse_entry_param entry;
	node_entry(&n, &entry);
	node_done(&n);
	fuse_reply_attr(req, &entry.attr, entry.attr_timeout);
}

static void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
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
	if (size && !(n->attr && (n->attr->store || n->attr->act)))
		return -EACCES;
	return mode || uid || gid;
}

static void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
			struct fuse_file_info *fi)
{
	(void)fi;
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
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

/* ---- directories ---- */

struct listing {
	struct handles_node node;
	struct node_name *names;
	size_t n;
};

static void listing_free(struct handles_node *node)
{
	struct listing *l = container_of(node, struct listing, node);
	free(l->names);
	free(l);
}

static void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
	struct node dir;
	struct listing *l = calloc(1, sizeof(*l));
	int r = l ? node_find(fs, ino, &caller, &dir) : -ENOMEM;
	if (r == 0) {
		if (!dir.w.gone)
			r = node_list(&dir, &l->names, &l->n);
		node_done(&dir);
	}
	if (r < 0) {
		free(l);
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)l;
	handles_add(fs->handles, &l->node, listing_free);
	if (fuse_reply_open(req, fi) < 0) {
		handles_remove(fs->handles, &l->node);
		listing_free(&l->node);
	}
}

static void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	struct weaverfs *fs = fuse_req_userdata(req);
	struct listing *l = (struct listing *)(uintptr_t)fi->fh;
	handles_remove(fs->handles, &l->node);
	listing_free(&l->node);
	fuse_reply_err(req, 0);
}

/* "." and "..": the kernel keeps no entry of them, the numbers are for d_ino. */
static void dot_entry(fuse_ino_t ino, struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){ .attr = { .st_ino = ino, .st_mode = S_IFDIR } };
}

/* Adds entry number `index` at `to`; the bytes it takes, more than size when there is no room. */
static size_t add_entry(fuse_req_t req, const struct listing *l, fuse_ino_t dir, size_t index,
			bool plus, const struct caller *caller, char *to, size_t size)
{
	struct weaverfs *fs = fuse_req_userdata(req);
	off_t next = (off_t)index + 1;
	struct fuse_entry_param entry;
	const char *name = index == 0 ? "." : "..";
	dot_entry(index == 0 ? dir : INO_ROOT, &entry);
	if (index >= 2) {
		const struct node_name *child = &l->names[index - 2];
		name = child->name;
		entry.attr.st_ino = child->ino;
		entry.attr.st_mode = child->type;
		struct node n;
		if (plus && node_find(fs, child->ino, caller, &n) == 0) {
			/* One that has gone since stays a name without attributes. */
			if (!n.w.gone)
				node_entry(&n, &entry);
			node_done(&n);
		}
	}
	return plus ? fuse_add_direntry_plus(req, to, size, name, &entry, next)
		    : fuse_add_direntry(req, to, size, name, &entry.attr, next);
}

static void reply_listing(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			  const struct fuse_file_info *fi, bool plus)
{
	struct caller caller;
	begin(req, &caller);
	const struct listing *l = (const struct listing *)(uintptr_t)fi->fh;
	char *to = malloc(size);
	if (!to) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t used = 0;
	for (size_t i = (size_t)offset; i < l->n + 2; i++) {
		size_t n = add_entry(req, l, ino, i, plus, &caller, to + used, size - used);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, to, used);
	free(to);
}

static void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, offset, fi, false);
}

static void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			    struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, offset, fi, true);
}

static void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
	if (parent != INO_ROOT)
		fuse_reply_err(req, EPERM);
	else
		create_mkdir(fs->create, req, name, mode);
}

static void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
	if (parent != INO_ROOT || name[0] == '.')
		fuse_reply_err(req, EPERM);
	else
		delete_rmdir(fs, req, name);
}

/* ---- files ---- */

static void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
	file_open(fs, req, ino, fi, &caller);
}

static void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	(void)ino;
	struct caller caller;
	begin(req, &caller);
	file_read(req, size, offset, fi);
}

static void ops_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	(void)ino;
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
	file_write(fs, req, data, size, offset, fi, &caller);
}

static void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	file_release(fuse_req_userdata(req), req, fi);
}

static void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0); /* every write has been applied when it was made */
}

static void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	ops_flush(req, ino, fi);
}

static void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	struct caller caller;
	struct weaverfs *fs = begin(req, &caller);
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
	fuse_reply_statfs(req, &st);
}

/* ---- what there is not ---- */

static void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM); /* attributes, as in cgroupfs: the weaver lives, see rmdir */
}

static void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	(void)mode;
	(void)dev;
	ops_unlink(req, parent, name);
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

static void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		       const char *newname, unsigned flags)
{
	(void)newparent;
	(void)newname;
	(void)flags;
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
	begin(req, &caller);
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
	.lookup = ops_lookup,
	.forget = ops_forget,
	.forget_multi = ops_forget_multi,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.releasedir = ops_releasedir,
	.mkdir = ops_mkdir,
	.rmdir = ops_rmdir,
	.open = ops_open,
	.read = ops_read,
	.write = ops_write,
	.release = ops_release,
	.flush = ops_flush,
	.fsync = ops_fsync,
	.fsyncdir = ops_fsync,
	.statfs = ops_statfs,
	.unlink = ops_unlink,
	.mknod = ops_mknod,
	.create = ops_create,
	.symlink = ops_symlink,
	.link = ops_link,
	.rename = ops_rename,
	.getxattr = ops_getxattr,
	.setxattr = ops_setxattr,
	.listxattr = ops_listxattr,
	.removexattr = ops_removexattr,
	.fallocate = ops_fallocate,
};
