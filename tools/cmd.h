/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of `weaver`: one file and one entry each; verbs.c has the table of them. From it come
 * parsing, --help, the manual page and the shells' completion.
 */
#pragma once

#include "k8s/base/error.h"

struct cmd_option {
	int key;           /* its letter; 256 and more: it has none */
	const char *name;  /* --name; NULL ends a table */
	const char *value; /* what it takes, as help names it; NULL: nothing */
	const char *words; /* the values there are, blanks between; NULL: any */
	const char *help;
};

enum cmd_operands {
	CMD_NOTHING,
	CMD_WEAVER,   /* one */
	CMD_WEAVERS,  /* any number */
	CMD_ARCHIVED, /* any number, and entries of .archive */
	CMD_COMMAND,  /* a weaver, then words that are not ours: no option after it is */
	CMD_WORD,     /* one of `words` */
	CMD_FILES,
};

struct cmd {
	const char *name, *alias; /* alias: another name, or NULL */
	const char *usage;        /* after the name and [OPTION…] */
	const char *help;         /* one line */
	const char *more;         /* paragraphs for --help and the manual; NULL: none */
	enum cmd_operands operands;
	const char *words; /* with CMD_WORD */
	const struct cmd_option *options;
	/* argv[0] is the name; returns the exit status. */
	int (*run)(int argc, char **argv);
};

/* clang-format off */
extern const struct cmd cmd_attach_entry, cmd_audit_entry, cmd_completion_entry, cmd_describe_entry,
	cmd_doctor_entry, cmd_exec_entry, cmd_help_entry, cmd_logs_entry, cmd_mount_entry,
	cmd_new_entry, cmd_ps_entry, cmd_rm_entry, cmd_setup_entry, cmd_sh_entry, cmd_top_entry,
	cmd_ttl_entry, cmd_unmount_entry, cmd_wait_entry;
/* clang-format on */

#define CMD_EXIT_FAILED 1
#define CMD_EXIT_USAGE 2
#define CMD_EXIT_TIMEOUT 124 /* as timeout(1) has it */

/* complain.c: one line on stderr, "weaver: …"; complain_usage() adds how c is called, returns 2. */
void complain_that(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int complain_usage(const struct cmd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Says e; returns CMD_EXIT_FAILED. */
int complain_failed(const struct error *e);
