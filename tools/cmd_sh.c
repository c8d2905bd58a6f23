/* SPDX-License-Identifier: Apache-2.0 */
/* weaver sh: a shell in a weaver; without arguments, on a terminal, an interactive one. */
#include <stddef.h>

#include "tools/options.h"
#include "tools/session.h"
#include "tools/terminal.h"

static int cmd_sh_run(int argc, char **argv)
{
	struct options o;

	options_begin(&o, &cmd_sh_entry, argc, argv);
	if (options_next(&o) != OPTIONS_END)
		return o.status;
	if (o.argc < 1)
		return complain_usage(o.c, "sh: in which weaver?");
	return session_run(&(struct session_request){
		.verb = WIRE_SHELL,
		.weaver = o.argv[0],
		.argv = o.argv + 1,
		.tty = o.argc == 1 && terminal_present(),
	});
}

const struct cmd cmd_sh_entry = {
	.name = "sh",
	.usage = "WEAVER [ARGUMENT…]",
	.help = "a shell in it; arguments are the shell's: sh fix-42 -c 'make test'",
	.more = "Without arguments, on a terminal, an interactive one. The exit status is the shell's, 255\n"
		"where the connection could not be made or was lost.\n",
	.operands = CMD_COMMAND,
	.run = cmd_sh_run,
};
