/* SPDX-License-Identifier: Apache-2.0 */
/* weaver setup: what it takes on the command line; what it does is in cluster/setup.c. */
#include <stddef.h>

#include "tools/cmd.h"
#include "tools/delegate.h"

static const struct cmd_option setup_options[] = {
	{ 'o', "options", "LIST", .help = "with these settings, as weaverfs -o takes them" },
	{ 'n', "dry-run", .help = "ask the server, show what would change, change nothing" },
	{ 0 },
};

const struct cmd cmd_setup_entry = {
	.name = "setup",
	.usage = "[SOURCE]",
	.help = "make the namespace, its Role, quota and policies in a cluster, or bring them up to date",
	.more = "SOURCE is a kubeconfig or a context of an administrator. What is right already is left\n"
		"alone; each change is shown, value by value. Weavers are not touched.\n",
	.operands = CMD_FILES,
	.options = setup_options,
	.run = delegate_run,
};
