/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver: what files cannot do by themselves. It needs no credentials and no cluster: everything
 * goes through the mount. `weaver VERB …`, or as the interpreter of the scripts WEAVER/sh and
 * WEAVER/attach, where the kernel gives us the script's path.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/cmd.h"

static const struct cmd *const weaver_table[] = {
	&cmd_sh_entry,
	&cmd_exec_entry,
	&cmd_attach_entry,
	&cmd_audit_entry,
};

void weaver_complain(const char *fmt, ...)
{
	char text[1400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "weaver: %s\n", text);
}

int weaver_usage(const struct cmd *c)
{
	fprintf(stderr, "Usage: weaver %s %s\n", c->name, c->usage);
	return CMD_EXIT_USAGE;
}

static const struct cmd *weaver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(weaver_table); i++)
		if (strcmp(weaver_table[i]->name, name) == 0)
			return weaver_table[i];
	return NULL;
}

static void weaver_help(FILE *to)
{
	fputs("Usage: weaver VERB …\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(weaver_table); i++)
		fprintf(to, "  %-8s%-34s%s\n", weaver_table[i]->name, weaver_table[i]->usage,
			weaver_table[i]->help);
	fputs("\nWEAVER is its directory, or its name in the mount.\n", to);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		weaver_help(stderr);
		return CMD_EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
		weaver_help(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("weaver " WEAVERFS_VERSION);
		return 0;
	}
	const struct cmd *c = weaver_find(argv[1]);
	if (c)
		return c->run(argc - 1, argv + 1);
	weaver_complain("no verb \"%s\"; weaver help lists them", argv[1]);
	return CMD_EXIT_USAGE;
}
