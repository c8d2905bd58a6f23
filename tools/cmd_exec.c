/* SPDX-License-Identifier: Apache-2.0 */
/* weaver exec: a program in a weaver. Its exit status is ours. */
#include <stddef.h>

#include "tools/options.h"
#include "tools/session.h"
#include "tools/terminal.h"

static int cmd_exec_run(int argc, char **argv)
{
	struct options o;
	bool tty = false;

	options_begin(&o, &cmd_exec_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key == 't')
			tty = true;
		else if (key != 'i')
			return o.status;
	}
	if (o.argc < 2)
		return complain_usage(o.c, "exec: a weaver and a program");
	if (tty && !terminal_present()) {
		complain_that("-t: stdin or stdout is no terminal");
		return CMD_EXIT_USAGE;
	}
	return session_run(&(struct session_request){
		.verb = WIRE_EXEC,
		.weaver = o.argv[0],
		.argv = o.argv + 1,
		.tty = tty,
	});
}

static const struct cmd_option exec_options[] = {
	{ 't', "tty", .help = "give it this terminal" },
	{ 'i', "interactive", .help = "give it our stdin: always so, for those used to docker" },
	{ 0 },
};

const struct cmd cmd_exec_entry = {
	.name = "exec",
	.usage = "WEAVER PROGRAM [ARGUMENT…]",
	.help = "run a program in it; its exit status is ours",
	.more = "The exit status is the program's; 126 where it could not be run, 127 where there is none,\n"
		"255 where the connection could not be made or was lost.\n",
	.operands = CMD_COMMAND,
	.options = exec_options,
	.run = cmd_exec_run,
};
