/* SPDX-License-Identifier: Apache-2.0 */
/* weaver help [VERB]; --man is how weaver(1) is made. */
#include <stddef.h>

#include "tools/help.h"
#include "tools/manual.h"
#include "tools/options.h"
#include "tools/verbs.h"

enum { HELP_MAN = 256 };

static int cmd_help_run(int argc, char **argv)
{
	struct options o;

	options_begin(&o, &cmd_help_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key != HELP_MAN)
			return o.status;
		manual_print(stdout);
		return 0;
	}
	if (o.argc > 1)
		return complain_usage(o.c, "help: one verb at a time");
	if (o.argc == 0) {
		help_verbs(stdout);
		return 0;
	}
	const struct cmd *c = verbs_find(o.argv[0]);
	if (!c) {
		complain_that("no verb \"%s\"; weaver help lists them", o.argv[0]);
		return CMD_EXIT_USAGE;
	}
	options_help(c, stdout);
	return 0;
}

static const struct cmd_option help_options[] = {
	{ HELP_MAN, "man", .help = "weaver(1), the manual page, as roff" },
	{ 0 },
};

const struct cmd cmd_help_entry = {
	.name = "help",
	.usage = "[VERB]",
	.help = "say what the verbs do",
	.operands = CMD_WORD,
	.options = help_options,
	.run = cmd_help_run,
};
