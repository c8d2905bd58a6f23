/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `weaver`: one file and one entry each; weaver.c has the table of them. */
#pragma once

#include "k8s/base/error.h"

struct cmd {
	const char *name;
	const char *usage;                 /* after the name */
	const char *help;                  /* one line */
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
};

extern const struct cmd cmd_sh_entry, cmd_exec_entry, cmd_attach_entry, cmd_audit_entry;

#define CMD_EXIT_USAGE 2

/* weaver.c: one line on stderr, "weaver: …"; weaver_usage() says how c is called and returns 2. */
void weaver_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int weaver_usage(const struct cmd *c);
