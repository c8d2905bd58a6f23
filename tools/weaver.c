/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver: what files cannot do by themselves. It needs no credentials and no cluster: everything
 * goes through the mount. `weaver VERB …`; the scripts WEAVER/sh and WEAVER/attach call it, too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/help.h"
#include "tools/verbs.h"

/* A full disk or a closed pipe behind stdout is a failure, too. */
static int weaver_done(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		complain_that("write error: %s", strerror(errno));
	return status ? status : CMD_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help_verbs(stderr);
		return CMD_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_verbs(stdout);
		return weaver_done(0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("weaver " WEAVERFS_VERSION);
		return weaver_done(0);
	}
	const struct cmd *c = verbs_find(argv[1]);
	if (c)
		return weaver_done(c->run(argc - 1, argv + 1));
	complain_that("no verb \"%s\"; weaver help lists them", argv[1]);
	return CMD_EXIT_USAGE;
}
