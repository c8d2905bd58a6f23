/* SPDX-License-Identifier: Apache-2.0 */
/* weaver unmount: umount(2) for root, fusermount3 for others. Weavers go on. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/find.h"
#include "tools/mountpoint.h"
#include "tools/options.h"

static int unmount(const char *at, bool lazy)
{
	if (geteuid() != 0) {
		execlp("fusermount3", "fusermount3", lazy ? "-uz" : "-u", at, (char *)NULL);
		complain_that("fusermount3 cannot be started: %s", strerror(errno));
		return CMD_EXIT_FAILED;
	}
	if (umount2(at, (lazy ? MNT_DETACH : 0) | UMOUNT_NOFOLLOW) == 0)
		return 0;
	complain_that("%s: %s%s", at,
		      errno == EINVAL ? "nothing is mounted there" : strerror(errno),
		      errno == EBUSY ? ": somebody is in it (fuser -vm); -l detaches it at once"
				     : "");
	return CMD_EXIT_FAILED;
}

static int cmd_unmount_run(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf mount = BUF_INIT;
	struct error e = ERROR_INIT;
	bool lazy = false;
	struct options o;

	options_begin(&o, &cmd_unmount_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key != 'l')
			return o.status;
		lazy = true;
	}
	if (o.argc > 1)
		return complain_usage(o.c, "unmount: one mount point");
	if (o.argc == 1)
		return unmount(o.argv[0], lazy);
	int r = find_mount(&mount, &e);
	/* a daemon that has died leaves a mount behind that cannot be looked into */
	if (r < 0 && r != -ENOTCONN)
		return complain_failed(&e);
	return unmount(r < 0 ? MOUNTPOINT_DEFAULT : buf_str(&mount), lazy);
}

static const struct cmd_option unmount_options[] = {
	{ 'l', "lazy", .help = "now, though somebody is in it" },
	{ 0 },
};

const struct cmd cmd_unmount_entry = {
	.name = "unmount",
	.alias = "umount",
	.usage = "[DIRECTORY]",
	.help = "unmount them; they go on",
	.operands = CMD_FILES,
	.options = unmount_options,
	.run = cmd_unmount_run,
};
