/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allow_other without default_permissions lets others in through cached entries, so it is always
 * both. A plain user may have allow_other only where /etc/fuse.conf says user_allow_other.
 */
#include "fs/mount.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"

#define FUSE_CONF "/etc/fuse.conf"
#define DEVICE "/dev/fuse"
#define TYPE "fuse.weaverfs"

extern char **environ;

static void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static void cleanup_mounts(FILE **f)
{
	if (*f)
		endmntent(*f);
}

/* A dead mount point cannot be resolved itself, its parent can. */
static char *resolve_dead(const char *path)
{
	_cleanup_(cleanup_free) char *for_dir = strdup(path);
	_cleanup_(cleanup_free) char *for_base = strdup(path);
	_cleanup_(cleanup_free) char *dir = for_dir ? realpath(dirname(for_dir), NULL) : NULL;
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	if (!dir || !for_base)
		return NULL;
	buf_printf(&out, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, basename(for_base));
	return buf_error(&out) < 0 ? NULL : buf_steal(&out);
}

/* What is mounted on path last is ours. */
static bool is_weaverfs(const char *path)
{
	_cleanup_(cleanup_mounts) FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	bool ours = false;

	while (f && (m = getmntent(f))) {
		if (strcmp(m->mnt_dir, path) == 0)
			ours = strcmp(m->mnt_type, TYPE) == 0;
	}
	return ours;
}

/* A plain user needs the setuid helper of fuse3. */
static int detach(const char *path)
{
	char *argv[] = { (char[]){ "fusermount3" }, (char[]){ "-uz" }, (char[]){ "--" }, NULL,
			 NULL };
	_cleanup_(cleanup_free) char *copy = strdup(path);
	int status;
	pid_t pid;

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM || !copy)
		return -errno;
	argv[3] = copy;
	int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : -EPERM;
}

static int detach_stale(const char *path, struct error *e)
{
	_cleanup_(cleanup_free) char *dead = resolve_dead(path);

	if (!dead)
		return error_set(e, errno, "mount point %s: %s", path, strerror(errno));
	if (!is_weaverfs(dead))
		return error_set(
			e, ENOTCONN,
			"mount point %s: the program behind the mount on it has ended, and "
			"that was not weaverfs; unmount it first: umount -l %s",
			path, path);
	int r = detach(dead);
	if (r < 0)
		return error_set(e, -r, "mount point %s: a stale mount cannot be detached: %s",
				 path, strerror(-r));
	return 0;
}

int mount_prepare(const char *path, struct buf *ret_path, struct error *e)
{
	struct statfs dead;
	struct stat st;

	/* Not stat(): the kernel may still have the attributes of a mount whose daemon is dead. */
	if (statfs(path, &dead) < 0 && errno == ENOTCONN) {
		int r = detach_stale(path, e);
		if (r < 0)
			return r;
	}
	int r = stat(path, &st);
	if (r < 0 && errno == ENOENT)
		return error_set(e, ENOENT, "mount point %s does not exist; make it: mkdir -p %s",
				 path, path);
	if (r < 0)
		return error_set(e, errno, "mount point %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(e, ENOTDIR, "mount point %s is no directory", path);
	_cleanup_(cleanup_free) char *real = realpath(path, NULL);
	if (!real)
		return error_set(e, errno, "mount point %s: %s", path, strerror(errno));
	buf_add_str(ret_path, real);
	return buf_error(ret_path) < 0 ? error_oom(e) : 0;
}

static bool may_allow_other(void)
{
	_cleanup_(cleanup_file) FILE *f = NULL;
	char line[256];

	if (geteuid() == 0)
		return true;
	f = fopen(FUSE_CONF, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *word = line + strspn(line, " \t");
		if (strcspn(word, " \t\n") == 16 && strncmp(word, "user_allow_other", 16) == 0)
			return true;
	}
	return false;
}

int mount_session_new(const struct mount_spec *spec, struct fuse_session **ret,
		      struct buf *ret_alone, struct error *e)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	_cleanup_(buf_done) struct buf options = BUF_INIT;

	/* the user's come last: of two fsname= the later one wins */
	buf_add_str(&options, "fsname=weaverfs,subtype=weaverfs,default_permissions");
	if (may_allow_other())
		buf_add_str(&options, ",allow_other");
	else
		buf_printf(ret_alone, "only uid %u: " FUSE_CONF " does not say user_allow_other",
			   geteuid());
	buf_printf(&options, "%s%s", *spec->options ? "," : "", spec->options);
	if (buf_error(&options) < 0 || buf_error(ret_alone) < 0 ||
	    fuse_opt_add_arg(&args, spec->program) < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
	    fuse_opt_add_arg(&args, buf_str(&options)) < 0) {
		fuse_opt_free_args(&args);
		return error_oom(e);
	}
	*ret = fuse_session_new(&args, spec->ops, spec->ops_size, spec->userdata);
	fuse_opt_free_args(&args);
	if (!*ret)
		return error_set(e, EINVAL, "libfuse refuses the options %s", buf_str(&options));
	return 0;
}

int mount_attach(struct fuse_session *session, const char *path, struct error *e)
{
	errno = 0;
	if (fuse_session_mount(session, path) == 0)
		return 0;
	if (access(DEVICE, F_OK) < 0)
		return error_set(e, ENODEV,
				 "cannot mount on %s: there is no " DEVICE " (modprobe fuse; "
				 "in a container: --device " DEVICE ")",
				 path);
	if (access(DEVICE, R_OK | W_OK) < 0)
		return error_set(e, EACCES,
				 "cannot mount on %s: uid %u may not open " DEVICE
				 " (%s); udev gives everybody the right: chmod 0666 " DEVICE,
				 path, geteuid(), strerror(errno));
	return error_set(e, errno ? errno : EIO, "cannot mount on %s; libfuse has said why above",
			 path);
}

int mount_run(struct fuse_session *session, unsigned threads, struct error *e)
{
	struct fuse_loop_config *config = NULL;
	int r;

	if (threads > 1) {
		config = fuse_loop_cfg_create();
		if (!config)
			return error_oom(e);
		fuse_loop_cfg_set_clone_fd(config, 1);
		fuse_loop_cfg_set_max_threads(config, threads);
		fuse_loop_cfg_set_idle_threads(config, threads);
		r = fuse_session_loop_mt(session, config);
		fuse_loop_cfg_destroy(config);
	} else {
		r = fuse_session_loop(session);
	}
	/* The last close after umount -l may find the daemon in the middle of a read. */
	if (r < 0 && r != -EINTR && r != -ECONNABORTED)
		return error_set(e, -r, "reading from /dev/fuse: %s", strerror(-r));
	return 0;
}
