/* SPDX-License-Identifier: Apache-2.0 */
/* fish: one line for each verb and each option. */
#include "tools/completion.h"
#include "tools/verbs.h"

static void completion_fish_quoted(const char *text, FILE *to)
{
	fputc('\'', to);
	for (; *text; text++)
		fprintf(to, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('\'', to);
}

/* complete … -n "the verb is this one" */
static void completion_fish_line(const struct cmd *c, FILE *to)
{
	fprintf(to, "complete -c weaver -n '__fish_seen_subcommand_from %s%s%s'", c->name,
		c->alias ? " " : "", c->alias ? c->alias : "");
}

static void completion_fish_operands(const struct cmd *c, FILE *to)
{
	const char *words = NULL;

	if (c->operands == CMD_WEAVER || c->operands == CMD_WEAVERS || c->operands == CMD_COMMAND)
		words = "(weaver ps -q 2>/dev/null)";
	else if (c->operands == CMD_ARCHIVED)
		words = "(weaver ps -qa 2>/dev/null)";
	else if (c->operands == CMD_WORD)
		words = c->words;
	if (!words && c->operands != CMD_FILES)
		return;
	completion_fish_line(c, to);
	if (words)
		fprintf(to, " -a '%s'\n", words);
	else
		fputs(" -F\n", to);
}

static void completion_fish_option(const struct cmd *c, const struct cmd_option *p, FILE *to)
{
	completion_fish_line(c, to);
	if (p->key <= 0xff)
		fprintf(to, " -s %c", (char)p->key);
	fprintf(to, " -l %s", p->name);
	if (p->value)
		fputs(" -x", to);
	if (p->words)
		fprintf(to, " -a '%s'", p->words);
	fputs(" -d ", to);
	completion_fish_quoted(p->help, to);
	fputc('\n', to);
}

void completion_fish_print(FILE *to)
{
	fputs("# fish completion for weaver, made by: weaver completion fish\n\n"
	      "complete -c weaver -f\n",
	      to);
	for (size_t i = 0; i < verbs_n; i++) {
		const struct cmd *c = verbs_table[i];
		fprintf(to, "complete -c weaver -n __fish_use_subcommand -a %s -d ", c->name);
		completion_fish_quoted(c->help, to);
		fputc('\n', to);
		completion_fish_operands(c, to);
		for (const struct cmd_option *p = c->options; p && p->name; p++)
			completion_fish_option(c, p, to);
	}
}
