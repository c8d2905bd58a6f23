/* SPDX-License-Identifier: Apache-2.0 */
/* weaver completion: the script that a shell reads. */
#include <stdio.h>
#include <string.h>

#include "tools/completion.h"
#include "tools/options.h"

static int cmd_completion_run(int argc, char **argv)
{
	struct options o;

	options_begin(&o, &cmd_completion_entry, argc, argv);
	if (options_next(&o) != OPTIONS_END)
		return o.status;
	const char *shell = o.argc == 1 ? o.argv[0] : "";
	if (strcmp(shell, "bash") == 0)
		completion_bash(stdout);
	else if (strcmp(shell, "zsh") == 0)
		completion_zsh_print(stdout);
	else if (strcmp(shell, "fish") == 0)
		completion_fish_print(stdout);
	else
		return complain_usage(o.c, "completion: bash, zsh or fish");
	return 0;
}

const struct cmd cmd_completion_entry = {
	.name = "completion",
	.usage = "bash|zsh|fish",
	.help = "print the completion script of a shell",
	.more = "make install and the packages put them in place; by hand: source <(weaver completion bash).\n",
	.operands = CMD_WORD,
	.words = "bash zsh fish",
	.run = cmd_completion_run,
};
