/* SPDX-License-Identifier: Apache-2.0 */
/* weaver sh: a shell in a weaver; without arguments, on a terminal, an interactive one. */
#include <stddef.h>

#include "tools/cmd.h"
#include "tools/session.h"
#include "tools/terminal.h"

static int cmd_sh_run(int argc, char **argv)
{
	if (argc < 2)
		return weaver_usage(&cmd_sh_entry);
	return session_run(&(struct session_request){
		.verb = WIRE_SHELL,
		.weaver = argv[1],
		.argv = argv + 2,
		.tty = argc == 2 && terminal_present(),
	});
}

const struct cmd cmd_sh_entry = {
	.name = "sh",
	.usage = "WEAVER [ARGUMENT…]",
	.help = "a shell in it, with this terminal",
	.run = cmd_sh_run,
};
