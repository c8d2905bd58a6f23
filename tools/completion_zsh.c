/* SPDX-License-Identifier: Apache-2.0 */
/* zsh: one _arguments call for each verb. */
#include "tools/completion.h"
#include "tools/verbs.h"

/* Inside '…[…]': brackets and colons mean something to _arguments. */
static void completion_zsh_text(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", to);
		else if (*text == '[' || *text == ']' || *text == ':')
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void completion_zsh_option(const struct cmd_option *p, FILE *to)
{
	for (int letter = 1; letter >= 0; letter--) {
		if (letter && p->key > 0xff)
			continue;
		fputs(" \\\n			'*", to);
		if (letter)
			fprintf(to, "-%c%s", (char)p->key, p->value ? "+" : "");
		else
			fprintf(to, "--%s%s", p->name, p->value ? "=" : "");
		fputc('[', to);
		completion_zsh_text(p->help, to);
		fputc(']', to);
		if (p->value && p->words)
			fprintf(to, ":%s:(%s)", p->value, p->words);
		else if (p->value)
			fprintf(to, ":%s: ", p->value);
		fputc('\'', to);
	}
}

static const char *completion_zsh_operands(const struct cmd *c)
{
	switch (c->operands) {
	case CMD_WEAVER:
		return "'1:weaver:_weaver_names'";
	case CMD_WEAVERS:
		return "'*:weaver:_weaver_names'";
	case CMD_ARCHIVED:
		return "'*:weaver:_weaver_all_names'";
	case CMD_COMMAND:
		return "'1:weaver:_weaver_names' '*:: : '";
	case CMD_FILES:
		return "'*:file:_files'";
	default:
		return "";
	}
}

static void completion_zsh_verb(const struct cmd *c, FILE *to)
{
	fprintf(to, "	%s%s%s)\n		_arguments -s -S '--help[say what it does]'",
		c->name, c->alias ? "|" : "", c->alias ? c->alias : "");
	for (const struct cmd_option *p = c->options; p && p->name; p++)
		completion_zsh_option(p, to);
	if (c->operands == CMD_WORD && c->words)
		fprintf(to, " \\\n			'1:word:(%s)'", c->words);
	else if (c->operands == CMD_WORD)
		fputs(" \\\n			'1:verb:_weaver_verbs'", to);
	else
		fprintf(to, " \\\n			%s", completion_zsh_operands(c));
	fputs("\n		;;\n", to);
}

void completion_zsh_print(FILE *to)
{
	fputs("#compdef weaver\n"
	      "# zsh completion for weaver, made by: weaver completion zsh\n"
	      "\n"
	      "_weaver_names() { compadd -- ${(f)\"$(weaver ps -q 2>/dev/null)\"} }\n"
	      "_weaver_all_names() { compadd -- ${(f)\"$(weaver ps -qa 2>/dev/null)\"} }\n"
	      "_weaver_verbs()\n{\n	local -a verbs=(\n",
	      to);
	for (size_t i = 0; i < verbs_n; i++) {
		fprintf(to, "		'%s:", verbs_table[i]->name);
		completion_zsh_text(verbs_table[i]->help, to);
		fputs("'\n", to);
	}
	fputs("	)\n	_describe verb verbs\n}\n\n"
	      "_weaver()\n{\n"
	      "	if ((CURRENT == 2)); then\n"
	      "		_weaver_verbs\n"
	      "		return\n"
	      "	fi\n"
	      "	local verb=$words[2]\n"
	      "	shift words\n"
	      "	((CURRENT--))\n"
	      "	case $verb in\n",
	      to);
	for (size_t i = 0; i < verbs_n; i++)
		completion_zsh_verb(verbs_table[i], to);
	fputs("	esac\n}\n\n"
	      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
	      "	_weaver \"$@\"\n"
	      "else\n"
	      "	compdef _weaver weaver\n"
	      "fi\n",
	      to);
}
