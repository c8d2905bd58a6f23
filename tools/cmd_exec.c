/* SPDX-License-Identifier: Apache-2.0 */
/* weaver exec: a program in a weaver. Its exit status is ours. */
#include <stddef.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/session.h"
#include "tools/terminal.h"

static int cmd_exec_run(int argc, char **argv)
{
	bool tty = argc > 1 && strcmp(argv[1], "-t") == 0;
	char **rest = argv + (tty ? 2 : 1);

	if (argc < (tty ? 4 : 3) || rest[0][0] == '-')
		return weaver_usage(&cmd_exec_entry);
	if (tty && !terminal_present()) {
		weaver_complain("-t: stdin or stdout is no terminal");
		return CMD_EXIT_USAGE;
	}
	return session_run(&(struct session_request){
		.verb = WIRE_EXEC,
		.weaver = rest[0],
		.argv = rest + 1,
		.tty = tty,
	});
}

const struct cmd cmd_exec_entry = {
	.name = "exec",
	.usage = "[-t] WEAVER PROGRAM [ARGUMENT…]",
	.help = "run a program in it; -t gives it this terminal",
	.run = cmd_exec_run,
};
