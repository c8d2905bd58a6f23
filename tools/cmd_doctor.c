/* SPDX-License-Identifier: Apache-2.0 */
/* weaver doctor: what it takes on the command line; what it does is in cluster/doctor.c. */
#include <stddef.h>

#include "tools/cmd.h"
#include "tools/delegate.h"

static const struct cmd_option doctor_options[] = {
	{ 'o', "options", "LIST", .help = "with these settings, as weaverfs -o takes them" },
	{ 'l', "list", .help = "all that it knows of and the cures, as a table of Markdown" },
	{ 0 },
};

const struct cmd cmd_doctor_entry = {
	.name = "doctor",
	.usage = "[SOURCE]",
	.help = "look for what is wrong, from the kernel to the image, and say how to mend it",
	.more = "SOURCE is a kubeconfig or a context, as weaverfs takes it. The settings are those of the\n"
		"mount, or of one that would be made now. Nothing is changed. The exit status is 1 if\n"
		"something is wrong.\n",
	.operands = CMD_FILES,
	.options = doctor_options,
	.run = delegate_run,
};
