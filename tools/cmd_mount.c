/* SPDX-License-Identifier: Apache-2.0 */
/* weaver mount: weaverfs with its usual mount point, which is made. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/beside.h"
#include "tools/mountpoint.h"
#include "tools/options.h"

#define MOUNT_ARGUMENTS_MAX 24

static int cmd_mount_run(int argc, char **argv)
{
	/* execvp(3) changes nothing, and is declared as it was before there was const */
	union {
		const char *words[MOUNT_ARGUMENTS_MAX + 4];
		char *const exec[MOUNT_ARGUMENTS_MAX + 4];
	} args = { .words = { "weaverfs" } };
	const char *at = MOUNTPOINT_DEFAULT;
	char program[PATH_MAX];
	struct options o;
	int n = 1;

	options_begin(&o, &cmd_mount_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key != 'f' && key != 'o')
			return o.status;
		if (n >= MOUNT_ARGUMENTS_MAX)
			return complain_usage(o.c, "mount: too many options");
		args.words[n++] = key == 'f' ? "-f" : "-o";
		if (key == 'o')
			args.words[n++] = o.value;
	}
	if (o.argc > 2)
		return complain_usage(o.c, "mount: a source and a mount point");
	/* one word: a directory is where to, anything else is what */
	struct stat st;
	bool directory = o.argc > 0 && stat(o.argv[o.argc - 1], &st) == 0 && S_ISDIR(st.st_mode);
	if (o.argc == 2 || directory)
		at = o.argv[o.argc - 1];
	if (o.argc == 2 || (o.argc == 1 && !directory))
		args.words[n++] = o.argv[0];
	if (mkdir(at, 0755) < 0 && errno != EEXIST && errno != ENOTCONN) {
		complain_that("%s: cannot be made: %s", at, strerror(errno));
		return CMD_EXIT_FAILED;
	}
	args.words[n] = at;
	beside_find("weaverfs", program);
	execvp(program, args.exec);
	complain_that("%s cannot be started: %s", program, strerror(errno));
	return CMD_EXIT_FAILED;
}

static const struct cmd_option mount_options[] = {
	{ 'o', "options", "LIST",
	  .help = "settings and mount options; weaverfs --help lists them" },
	{ 'f', "foreground", .help = "stay in the foreground" },
	{ 0 },
};

const struct cmd cmd_mount_entry = {
	.name = "mount",
	.usage = "[SOURCE] [DIRECTORY]",
	.help = "mount the weavers of a cluster",
	.more = "SOURCE is a kubeconfig, a context or kubesim; DIRECTORY is " MOUNTPOINT_DEFAULT
		" if it is left\nout, and is made. The rest is weaverfs(8)'s.\n",
	.operands = CMD_FILES,
	.options = mount_options,
	.run = cmd_mount_run,
};
