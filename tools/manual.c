/* SPDX-License-Identifier: Apache-2.0 */
/* Roff with the man(7) macros. docs/man/weaver.1 is what this prints; a lint keeps it so. */
#include "tools/manual.h"

#include <string.h>

#include "tools/verbs.h"

static const char manual_head[] =
	".\\\" SPDX-License-Identifier: Apache-2.0\n"
	".\\\" Made from the command table by tests/lint/man.sh --write; not to be edited.\n"
	".TH WEAVER 1 \"\" \"weaverfs " WEAVERFS_VERSION "\" \"User Commands\"\n"
	".SH NAME\n"
	"weaver \\- make, enter and watch weavers through a mounted weaverfs\n"
	".SH SYNOPSIS\n"
	".B weaver\n"
	".I VERB\n"
	"[\\fIOPTION\\fR...] ...\n"
	".SH DESCRIPTION\n"
	"A weaver is an ephemeral pod of Kubernetes, and a directory where\n"
	".BR weaverfs (8)\n"
	"is mounted. Everything that weaver does, it does with the files there: it needs no\n"
	"credentials and no cluster, and file permissions decide what it may.\n"
	".B setup\n"
	"and\n"
	".B doctor\n"
	"alone talk to the API server.\n"
	".PP\n"
	"A weaver is named by its name or its id, by what only one name or id begins with (an id also\n"
	"by its end), or by its directory.\n"
	".SH VERBS\n";

static const char manual_tail[] =
	".SH \"EXIT STATUS\"\n"
	".TP\n.B 0\nIt was done.\n"
	".TP\n.B 1\nIt failed, in part or in whole; stderr says what, why, and what to do.\n"
	".TP\n.B 2\nThe command line was wrong, and nothing was done.\n"
	".TP\n.B 124\n\\fBwait \\-\\-timeout\\fR: the time was over.\n"
	".TP\n.B 126, 127, 255\n\\fBsh\\fR, \\fBexec\\fR, \\fBattach\\fR: the program could not be run; there "
	"is no such; the\nconnection could not be made or was lost. Else their exit status is that of what "
	"ran in\nthe weaver.\n"
	".SH ENVIRONMENT\n"
	".TP\n.B WEAVER_MOUNT\nThe mount. Without it: the one that the current directory is in, else the only "
	"one.\n"
	".TP\n.B NO_COLOR\nNo colours on terminals.\n"
	".TP\n.B KUBECONFIG\nFor \\fBsetup\\fR and \\fBdoctor\\fR.\n"
	".SH EXAMPLES\n"
	".nf\n"
	"weaver new fix\\-42 \\-\\-repo https://git.example.org/app.git \\-\\-ttl 8\n"
	"weaver sh fix\\-42 \\-c 'make test'\n"
	"weaver wait fix\\-42 \\-\\-timeout 30m && weaver logs fix\\-42 \\-n 20\n"
	"weaver ps \\-q \\-\\-filter status=failed | xargs \\-r weaver rm\n"
	".fi\n"
	".SH \"SEE ALSO\"\n"
	".BR weaverfs (8)\n";

/* A hyphen of an option is a minus, a backslash is none of roff's. */
static void manual_text(const char *text, FILE *to)
{
	for (const char *p = text; *p; p++) {
		if (strncmp(p, "…", strlen("…")) == 0) {
			fputs("...", to);
			p += strlen("…") - 1;
		} else if (*p == '-') {
			fputs("\\-", to);
		} else if (*p == '\\') {
			fputs("\\e", to);
		} else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n')) {
			fprintf(to, "\\&%c", *p);
		} else {
			fputc(*p, to);
		}
	}
}

static void manual_option(const struct cmd_option *p, FILE *to)
{
	fputs(".RS\n.TP\n", to);
	if (p->key <= 0xff)
		fprintf(to, "\\fB\\-%c\\fR, ", (char)p->key);
	fputs("\\fB\\-\\-", to);
	manual_text(p->name, to);
	fputs("\\fR", to);
	if (p->value) {
		fputs("=\\fI", to);
		manual_text(p->value, to);
		fputs("\\fR", to);
	}
	fputc('\n', to);
	manual_text(p->help, to);
	fputs(".\n.RE\n", to);
}

static void manual_verb(const struct cmd *c, FILE *to)
{
	fprintf(to, ".TP\n\\fB%s\\fR ", c->name);
	manual_text(c->options ? "[OPTION…] " : "", to);
	manual_text(c->usage, to);
	fputc('\n', to);
	manual_text(c->help, to);
	fputs(".\n", to);
	if (c->alias)
		fprintf(to, "Also called \\fB%s\\fR.\n", c->alias);
	if (c->more)
		manual_text(c->more, to);
	for (const struct cmd_option *p = c->options; p && p->name; p++)
		manual_option(p, to);
}

void manual_print(FILE *to)
{
	fputs(manual_head, to);
	for (size_t i = 0; i < verbs_n; i++)
		manual_verb(verbs_table[i], to);
	fputs(manual_tail, to);
}
