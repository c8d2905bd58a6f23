/* SPDX-License-Identifier: Apache-2.0 */
/* Files: each call on a file of its own, since only the first use of an open file is recorded. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "tools/audit-load/load.h"

#define FCHMODAT2 452

static int opened(const char *operation, int call, int fd)
{
	load_did(SEEN_ALWAYS, "file_open", operation, call);
	return fd;
}

static int make(const char *path)
{
	return opened("open", SYS_open, load_call(SYS_open, path, O_CREAT | O_RDWR, 0600));
}

static int existing(const char *path, int flags)
{
	return opened("open", SYS_openat, load_call(SYS_openat, AT_FDCWD, path, flags));
}

static void meta(const char *operation, int call, int ret)
{
	if (ret >= 0)
		load_did(SEEN_ALWAYS, "file_metadata", operation, call);
}

static void reads(int call, int ret, int fd)
{
	if (ret >= 0)
		load_did(SEEN_ALWAYS, "file_read", "read", call);
	close(fd);
}

static void writes(int call, int ret, int fd)
{
	if (ret >= 0)
		load_did(SEEN_ALWAYS, "file_write", "write", call);
	close(fd);
}

static void opens(void)
{
	struct open_how how = { .flags = O_RDWR };
	close(make("a"));
	close(opened("open", SYS_openat2,
		     load_call(SYS_openat2, AT_FDCWD, "a", &how, sizeof(how))));
	close(opened("open", SYS_creat, load_call(SYS_creat, "b", 0600)));
	close(existing("a", O_RDONLY | O_TRUNC));
	close(existing(".", O_RDONLY | O_DIRECTORY));
	existing("not there", O_RDONLY);
	load_call(SYS_openat, AT_FDCWD, "a", O_PATH); /* gives no access, is no event */
	int fd = load_call(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600);
	close(opened("open", SYS_openat, fd));
	struct {
		struct file_handle head;
		char rest[128];
	} handle = { .head.handle_bytes = 128 };
	int mount;
	if (geteuid() || name_to_handle_at(AT_FDCWD, "a", &handle.head, &mount, 0))
		return;
	int dir = existing(".", O_RDONLY | O_DIRECTORY);
	fd = load_call(SYS_open_by_handle_at, dir, &handle, O_RDONLY);
	if (fd >= 0)
		close(opened("open", SYS_open_by_handle_at, fd));
	close(dir);
}

static void uses(void)
{
	char buf[16] = "0123456789";
	struct iovec iov = { buf, 10 };
	int fd, pipes[2], to;
	fd = make("a"), writes(SYS_write, load_call(SYS_write, fd, buf, 10), fd);
	fd = make("a"), writes(SYS_pwrite64, load_call(SYS_pwrite64, fd, buf, 10, 0), fd);
	fd = make("a"), writes(SYS_writev, load_call(SYS_writev, fd, &iov, 1), fd);
	fd = make("a"), writes(SYS_pwritev, load_call(SYS_pwritev, fd, &iov, 1, 0, 0), fd);
	fd = make("a"), writes(SYS_pwritev2, load_call(SYS_pwritev2, fd, &iov, 1, 0, 0, 0), fd);
	fd = make("a"), writes(SYS_fallocate, load_call(SYS_fallocate, fd, 0, 0, 100), fd);
	fd = make("a"), reads(SYS_read, load_call(SYS_read, fd, buf, 10), fd);
	fd = make("a"), reads(SYS_pread64, load_call(SYS_pread64, fd, buf, 10, 0), fd);
	fd = make("a"), reads(SYS_readv, load_call(SYS_readv, fd, &iov, 1), fd);
	fd = make("a"), reads(SYS_preadv, load_call(SYS_preadv, fd, &iov, 1, 0, 0), fd);
	fd = make("a"), reads(SYS_preadv2, load_call(SYS_preadv2, fd, &iov, 1, 0, 0, 0), fd);
	char entries[4096];
	fd = existing(".", O_RDONLY | O_DIRECTORY);
	reads(SYS_getdents64, load_call(SYS_getdents64, fd, entries, sizeof(entries)), fd);
	fd = make("a"), to = make("b");
	writes(SYS_sendfile, load_call(SYS_sendfile, to, fd, NULL, 10), to);
	reads(SYS_sendfile, 0, fd);
	fd = make("a"), to = make("b");
	int copied = load_call(SYS_copy_file_range, fd, NULL, to, NULL, 10, 0);
	writes(SYS_copy_file_range, copied, to);
	reads(SYS_copy_file_range, copied, fd);
	if (!pipe(pipes)) {
		fd = make("a");
		reads(SYS_splice, load_call(SYS_splice, fd, NULL, pipes[1], NULL, 10, 0), fd);
		close(pipes[0]);
		close(pipes[1]);
	}
	fd = make("a");
	void *at = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED) {
		load_did(SEEN_ALWAYS, "file_write", "mmap", SYS_mmap);
		munmap(at, 10);
	}
	close(fd);
}

/* Three writes: the first is a record, and where the last close is hooked a sum of all. */
static void sums(void)
{
	int fd = make("a");
	for (int i = 0; i < 3; i++)
		if (load_call(SYS_write, fd, "x", 1) != 1)
			return;
	load_did(SEEN_ALWAYS, "file_write", "write", SYS_write);
	load_did(SEEN_BY_HOOKS, "file_write", "close", SYS_close);
	close(fd);
}

static void names(void)
{
	meta("mkdir", SYS_mkdir, load_call(SYS_mkdir, "d", 0700));
	meta("mkdir", SYS_mkdirat, load_call(SYS_mkdirat, AT_FDCWD, "e", 0700));
	meta("rename", SYS_rename, load_call(SYS_rename, "a", "c"));
	meta("rename", SYS_renameat, load_call(SYS_renameat, AT_FDCWD, "c", AT_FDCWD, "d/a"));
	meta("rename", SYS_renameat2, load_call(SYS_renameat2, AT_FDCWD, "d/a", AT_FDCWD, "a", 0));
	meta("link", SYS_link, load_call(SYS_link, "a", "l"));
	meta("link", SYS_linkat, load_call(SYS_linkat, AT_FDCWD, "a", AT_FDCWD, "m", 0));
	meta("symlink", SYS_symlink, load_call(SYS_symlink, "a", "s"));
	meta("symlink", SYS_symlinkat, load_call(SYS_symlinkat, "a", AT_FDCWD, "t"));
	meta("mknod", SYS_mknod, load_call(SYS_mknod, "n", S_IFIFO | 0600, 0));
	meta("mknod", SYS_mknodat, load_call(SYS_mknodat, AT_FDCWD, "o", S_IFIFO | 0600, 0));
	for (const char *p = "l\0m\0s\0t\0n\0o\0"; *p; p += 2)
		meta("unlink", SYS_unlink, load_call(SYS_unlink, p));
	meta("unlink", SYS_unlinkat, load_call(SYS_unlinkat, AT_FDCWD, "b", 0));
	meta("rmdir", SYS_rmdir, load_call(SYS_rmdir, "d"));
	meta("rmdir", SYS_unlinkat, load_call(SYS_unlinkat, AT_FDCWD, "e", AT_REMOVEDIR));
}

static void attributes(void)
{
	int fd = make("a"), uid = getuid(), gid = getgid();
	meta("chmod", SYS_chmod, load_call(SYS_chmod, "a", 0640));
	meta("chmod", SYS_fchmod, load_call(SYS_fchmod, fd, 0600));
	meta("chmod", SYS_fchmodat, load_call(SYS_fchmodat, AT_FDCWD, "a", 0640));
	meta("chmod", FCHMODAT2, load_call(FCHMODAT2, AT_FDCWD, "a", 0600, 0));
	meta("chown", SYS_chown, load_call(SYS_chown, "a", uid, gid));
	meta("chown", SYS_lchown, load_call(SYS_lchown, "a", uid, gid));
	meta("chown", SYS_fchown, load_call(SYS_fchown, fd, uid, gid));
	meta("chown", SYS_fchownat, load_call(SYS_fchownat, AT_FDCWD, "a", uid, gid, 0));
	meta("truncate", SYS_truncate, load_call(SYS_truncate, "a", 5));
	meta("truncate", SYS_ftruncate, load_call(SYS_ftruncate, fd, 4));
	meta("setxattr", SYS_setxattr, load_call(SYS_setxattr, "a", "user.x", "1", 1, 0));
	meta("setxattr", SYS_lsetxattr, load_call(SYS_lsetxattr, "a", "user.y", "1", 1, 0));
	meta("setxattr", SYS_fsetxattr, load_call(SYS_fsetxattr, fd, "user.z", "1", 1, 0));
	meta("removexattr", SYS_removexattr, load_call(SYS_removexattr, "a", "user.x"));
	meta("removexattr", SYS_lremovexattr, load_call(SYS_lremovexattr, "a", "user.y"));
	meta("removexattr", SYS_fremovexattr, load_call(SYS_fremovexattr, fd, "user.z"));
	meta("utimes", SYS_utime, load_call(SYS_utime, "a", NULL));
	meta("utimes", SYS_utimes, load_call(SYS_utimes, "a", NULL));
	meta("utimes", SYS_futimesat, load_call(SYS_futimesat, AT_FDCWD, "a", NULL));
	meta("utimes", SYS_utimensat, load_call(SYS_utimensat, AT_FDCWD, "a", NULL, 0));
	meta("utimes", SYS_utimensat, load_call(SYS_utimensat, fd, NULL, NULL, 0));
	close(fd);
	meta("unlink", SYS_unlink, load_call(SYS_unlink, "a"));
}

void files_do(void)
{
	opens();
	uses();
	sums();
	names();
	attributes();
}

static int compat(const char *type, const char *operation, int nr, const void *a, long b, long c)
{
	int ret = load_compat(nr, (long)a, b, c, 0, 0);
	if (ret >= 0)
		load_did(SEEN_ALWAYS, type, operation, LOAD_COMPAT | nr);
	return ret;
}

/* The same by numbers of the 32-bit table. */
void files_compat(void)
{
	if (!load_has_compat())
		return;
	char *low = load_low(4096), *other = low + 64;
	strcpy(low, "a");
	strcpy(other, "b");
	int fd = compat("file_open", "open", 5, low, O_CREAT | O_RDWR, 0600);
	compat("file_write", "write", 4, (void *)(long)fd, (long)low, 1);
	close(fd);
	fd = compat("file_open", "open", 8, low, 0600, 0);
	close(fd);
	compat("file_metadata", "rename", 38, low, (long)other, 0);
	compat("file_metadata", "chmod", 15, other, 0600, 0);
	compat("file_metadata", "unlink", 10, other, 0, 0);
	compat("file_metadata", "mkdir", 39, low, 0700, 0);
	compat("file_metadata", "rmdir", 40, low, 0, 0);
}
