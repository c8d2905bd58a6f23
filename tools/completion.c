/* SPDX-License-Identifier: Apache-2.0 */
/* bash. The other shells' are in completion_zsh.c and completion_fish.c. */
#include "tools/completion.h"

#include <string.h>

#include "tools/verbs.h"

static const char completion_head[] =
	"# bash completion for weaver, made by: weaver completion bash\n"
	"\n"
	"_weaver_words()\n"
	"{\n"
	"	mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"# Of options with values the ones that take the next word, then the options, then operands.\n"
	"_weaver_verb()\n"
	"{\n"
	"	case $verb in\n";

static const char completion_tail[] =
	"	*) return ;;\n"
	"	esac\n"
	"	case \" $valued \" in *\" $prev \"*) [[ $prev == -* ]] && return ;; esac\n"
	"	if [[ $cur == -* ]]; then\n"
	"		_weaver_words \"$options --help\"\n"
	"		return\n"
	"	fi\n"
	"	case $operands in\n"
	"	weaver) [ \"$operand\" -eq 0 ] && _weaver_words \"$(weaver ps -q 2>/dev/null)\" ;;\n"
	"	weavers) _weaver_words \"$(weaver ps -q 2>/dev/null)\" ;;\n"
	"	archived) _weaver_words \"$(weaver ps -qa 2>/dev/null)\" ;;\n"
	"	command)\n"
	"		if [ \"$operand\" -eq 0 ]; then\n"
	"			_weaver_words \"$(weaver ps -q 2>/dev/null)\"\n"
	"		fi\n"
	"		;;\n"
	"	files) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"	*) [ \"$operand\" -eq 0 ] && _weaver_words \"$operands\" ;;\n"
	"	esac\n"
	"}\n"
	"\n"
	"_weaver()\n"
	"{\n"
	"	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb= operand=0 i\n"
	"	local options valued operands\n"
	"	COMPREPLY=()\n"
	"	if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	"		_weaver_words \"$verbs --help --version\"\n"
	"		return\n"
	"	fi\n"
	"	verb=${COMP_WORDS[1]}\n"
	"	# the = of --option=value is a word of its own\n"
	"	[ \"$cur\" = = ] && cur=\n"
	"	[ \"$prev\" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"	for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"		[[ ${COMP_WORDS[i]} == -* ]] || operand=$((operand + 1))\n"
	"	done\n"
	"	_weaver_verb\n"
	"	return 0\n"
	"}\n"
	"complete -F _weaver weaver\n";

static const char *completion_operands(const struct cmd *c)
{
	switch (c->operands) {
	case CMD_WEAVER:
		return "weaver";
	case CMD_WEAVERS:
		return "weavers";
	case CMD_ARCHIVED:
		return "archived";
	case CMD_COMMAND:
		return "command";
	case CMD_FILES:
		return "files";
	case CMD_WORD:
		return c->words ? c->words : "$verbs";
	default:
		return "";
	}
}

static void completion_option(const struct cmd_option *p, FILE *to)
{
	if (p->key <= 0xff)
		fprintf(to, " -%c", (char)p->key);
	fprintf(to, " --%s", p->name);
}

static void completion_values(const struct cmd *c, FILE *to)
{
	for (const struct cmd_option *p = c->options; p && p->name; p++) {
		if (!p->words)
			continue;
		fprintf(to, "		case $prev in --%s", p->name);
		if (p->key <= 0xff)
			fprintf(to, " | -%c", (char)p->key);
		fprintf(to, ") _weaver_words \"%s\"; return ;; esac\n", p->words);
	}
}

static void completion_verb(const struct cmd *c, FILE *to)
{
	fprintf(to, "	%s%s%s)\n		options=\"", c->name, c->alias ? " | " : "",
		c->alias ? c->alias : "");
	for (const struct cmd_option *p = c->options; p && p->name; p++)
		completion_option(p, to);
	fputs("\"\n		valued=\"", to);
	for (const struct cmd_option *p = c->options; p && p->name; p++)
		if (p->value)
			completion_option(p, to);
	fprintf(to, "\"\n		operands=\"%s\"\n", completion_operands(c));
	completion_values(c, to);
	fputs("		;;\n", to);
}

void completion_bash(FILE *to)
{
	fputs(completion_head, to);
	for (size_t i = 0; i < verbs_n; i++)
		completion_verb(verbs_table[i], to);
	char *at = strstr(completion_tail, "	local options");
	fprintf(to, "%.*s	local verbs=\"", (int)(at - completion_tail), completion_tail);
	for (size_t i = 0; i < verbs_n; i++)
		fprintf(to, "%s%s", i ? " " : "", verbs_table[i]->name);
	fprintf(to, "\"\n%s", at);
}
