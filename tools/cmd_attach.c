/* SPDX-License-Identifier: Apache-2.0 */
/* weaver attach: this terminal on the weaver's main process. */
#include <stddef.h>

#include "tools/options.h"
#include "tools/session.h"
#include "tools/terminal.h"

static int cmd_attach_run(int argc, char **argv)
{
	char *none[] = { NULL };
	struct options o;

	options_begin(&o, &cmd_attach_entry, argc, argv);
	if (options_next(&o) != OPTIONS_END)
		return o.status;
	if (o.argc != 1)
		return complain_usage(o.c, "attach: one weaver");
	return session_run(&(struct session_request){
		.verb = WIRE_ATTACH,
		.weaver = o.argv[0],
		.argv = none,
		.tty = terminal_present(),
		.detachable = true,
	});
}

const struct cmd cmd_attach_entry = {
	.name = "attach",
	.usage = "WEAVER",
	.help = "be its main process' terminal; Ctrl-P Ctrl-Q detaches",
	.more = "The exit status is that of the process, 0 after the detach keys, 255 where the connection\n"
		"could not be made or was lost.\n",
	.operands = CMD_WEAVER,
	.run = cmd_attach_run,
};
