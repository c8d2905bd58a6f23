/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE that does nothing: one directory with one file, answered from constants, no caching. What
 * it costs is what any FUSE costs; tools/bench/run puts weaverfs beside it.
 */
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#define INO_FILE 2

static const char content[] = "running\n";

static void stat_of(fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	if (ino != INO_FILE)
		return;
	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = sizeof(content) - 1;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = INO_FILE, .entry_timeout = 10 };

	if (parent != FUSE_ROOT_ID || strcmp(name, "status") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	stat_of(INO_FILE, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	stat_of(ino, &st);
	fuse_reply_attr(req, &st, 0);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	size_t len = sizeof(content) - 1;
	size_t from = (size_t)off < len ? (size_t)off : len;

	(void)ino;
	(void)fi;
	fuse_reply_buf(req, content + from, size < len - from ? size : len - from);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = on_lookup,
	.getattr = on_getattr,
	.open = on_open,
	.read = on_read,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	int r = 1;

	if (argc != 2 || !session || fuse_set_signal_handlers(session) < 0)
		return 1;
	if (fuse_session_mount(session, argv[1]) == 0) {
		r = fuse_session_loop(session) < 0;
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	return r;
}
