/* SPDX-License-Identifier: Apache-2.0 */
/* weaver attach: this terminal on the weaver's main process. */
#include <stddef.h>

#include "tools/cmd.h"
#include "tools/session.h"
#include "tools/terminal.h"

static int cmd_attach_run(int argc, char **argv)
{
	if (argc != 2)
		return weaver_usage(&cmd_attach_entry);
	return session_run(&(struct session_request){
		.verb = WIRE_ATTACH,
		.weaver = argv[1],
		.argv = argv + 2,
		.tty = terminal_present(),
		.detachable = true,
	});
}

const struct cmd cmd_attach_entry = {
	.name = "attach",
	.usage = "WEAVER",
	.help = "be its main process' terminal; Ctrl-P Ctrl-Q detaches",
	.run = cmd_attach_run,
};
