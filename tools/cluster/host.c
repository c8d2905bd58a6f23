/* SPDX-License-Identifier: Apache-2.0 */
/* See host.h. */
#include "tools/cluster/host.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/value.h"

#define HOST_MAJOR 5
#define HOST_MINOR 10

void host_check_kernel(struct report *r)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	if (sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	    (major < HOST_MAJOR || (major == HOST_MAJOR && minor < HOST_MINOR)))
		report_trouble(r, REPORT_BAD, TROUBLE_KERNEL, "Linux %s", u.release);
	else
		report_good(r, "kernel", "Linux %s", u.release);
}

static bool host_fuse_conf_allows(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	if (value_read(AT_FDCWD, "/etc/fuse.conf", &text, NULL) < 0)
		return false;
	for (char *rest = text.data, *line; rest && (line = strsep(&rest, "\n"));)
		if (strncmp(line, "user_allow_other", strlen("user_allow_other")) == 0)
			return true;
	return false;
}

static bool host_has_program(const char *name)
{
	_cleanup_(cleanup_free) char *path =
		strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");

	for (char *rest = path, *dir; rest && (dir = strsep(&rest, ":"));) {
		_cleanup_(buf_done) struct buf file = BUF_INIT;
		buf_printf(&file, "%s/%s", dir, name);
		if (access(buf_str(&file), X_OK) == 0)
			return true;
	}
	return false;
}

void host_check_fuse(struct report *r)
{
	_cleanup_(cleanup_close) int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		report_trouble(r, REPORT_BAD,
			       errno == ENOENT || errno == ENODEV || errno == ENXIO
				       ? TROUBLE_FUSE_MISSING
				       : TROUBLE_FUSE,
			       "/dev/fuse: %s", strerror(errno));
	else if (geteuid() != 0 && !host_has_program("fusermount3"))
		report_trouble(r, REPORT_BAD, TROUBLE_FUSERMOUNT, "fusermount3 is not in $PATH");
	else if (geteuid() != 0 && !host_fuse_conf_allows())
		report_trouble(r, REPORT_BAD, TROUBLE_FUSE_OTHERS,
			       "/etc/fuse.conf does not say user_allow_other");
	else
		report_good(r, "fuse", "/dev/fuse opens");
}

/* The sidecar runs on the nodes; this host mostly is one, or is like them. */
void host_check_btf(struct report *r, struct settings *s)
{
	bool audit = strcmp(settings_get(s, "audit_enabled"), "true") == 0;

	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		report_good(r, "btf", "/sys/kernel/btf/vmlinux, of this host");
	else if (audit)
		report_trouble(r, REPORT_WARNING, TROUBLE_BTF,
			       "/sys/kernel/btf/vmlinux of this host: %s", strerror(errno));
	else
		report_skipped(r, "btf", "none on this host; audit_enabled is false");
}

/* The first line of health; of a dead daemon not even that. */
static void host_check_mount(struct report *r, const char *at)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, health = BUF_INIT;
	struct error e = ERROR_INIT;

	buf_printf(&path, "%s/.weaverfs/health", at);
	int result = value_read(AT_FDCWD, buf_str(&path), &health, &e);
	if (result == -ENOENT)
		return; /* a weaver's directory that is bind-mounted alone */
	if (result < 0) {
		report_trouble(r, REPORT_BAD,
			       result == -EACCES ? TROUBLE_MOUNT_REFUSED : TROUBLE_MOUNT, "%s: %s",
			       at, strerror(-result));
		return;
	}
	if (health.len > 0)
		health.data[strcspn(health.data, "\n")] = '\0';
	if (strcmp(buf_str(&health), "ok") == 0)
		report_good(r, "mount", "%s: ok", at);
	else
		report_trouble(r, REPORT_BAD, TROUBLE_MOUNT_DEGRADED, "%s: %s", at,
			       buf_str(&health));
}

void host_check_mounts(struct report *r)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const char *named = getenv("WEAVER_MOUNT");
	bool any = false;

	for (const struct mntent *m = mounts ? getmntent(mounts) : NULL; m; m = getmntent(mounts)) {
		if (strcmp(m->mnt_type, "fuse.weaverfs") != 0 ||
		    (named && named[0] && strcmp(m->mnt_dir, named) != 0))
			continue;
		any = true;
		host_check_mount(r, m->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	if (!any)
		report_skipped(r, "mount", "no weaverfs is mounted: weaver mount");
}
