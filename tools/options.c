/* SPDX-License-Identifier: Apache-2.0 */
/* getopt_long(3), fed from the verb's table. */
#include "tools/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/duration.h"

#define OPTIONS_MAX 24
#define OPTIONS_HELP 255 /* no letter has this */

static struct option options_longs[OPTIONS_MAX + 2];
static char options_letters[2 * OPTIONS_MAX + 4];

void options_begin(struct options *o, const struct cmd *c, int argc, char **argv)
{
	char *letter = options_letters;
	size_t n = 0;

	*letter++ = c->operands == CMD_COMMAND ? '+' : '-';
	if (letter[-1] == '-')
		letter--; /* operands and options in any order, as getopt_long sorts them */
	*letter++ = ':';
	for (const struct cmd_option *p = c->options; p && p->name && n < OPTIONS_MAX; p++) {
		options_longs[n++] =
			(struct option){ p->name, p->value ? required_argument : no_argument, NULL,
					 p->key };
		if (p->key > 0xff)
			continue;
		*letter++ = (char)p->key;
		if (p->value)
			*letter++ = ':';
	}
	options_longs[n++] = (struct option){ "help", no_argument, NULL, OPTIONS_HELP };
	options_longs[n] = (struct option){ 0 };
	*letter = '\0';
	optind = 0;
	opterr = 0;
	*o = (struct options){ .c = c, .argc = argc, .argv = argv };
}

int options_next(struct options *o)
{
	/* what getopt_long looks at now; optopt alone does not tell a long option */
	const char *word = optind < o->argc ? o->argv[optind > 0 ? optind : 1] : NULL;
	int key = getopt_long(o->argc, o->argv, options_letters, options_longs, NULL);

	o->value = optarg;
	if (key == -1) {
		o->argc -= optind;
		o->argv += optind;
		return OPTIONS_END;
	}
	if (key == OPTIONS_HELP) {
		options_help(o->c, stdout);
		o->status = 0;
		return 0;
	}
	if (key != '?' && key != ':')
		return key;
	word = optind > 0 && optind <= o->argc ? o->argv[optind - 1] : word;
	if (key == ':')
		o->status = complain_usage(o->c, "%s: %s needs a value", o->c->name, word);
	else
		o->status = complain_usage(o->c, "%s: no such option: %s", o->c->name, word);
	return 0;
}

static void options_print(const struct cmd_option *p, FILE *to)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", p->key > 0xff ? ' ' : '-',
		 p->key > 0xff ? ' ' : (char)p->key, p->key > 0xff ? "  " : ", ", p->name,
		 p->value ? "=" : "", p->value ? p->value : "");
	fprintf(to, "  %-26s%s\n", left, p->help);
}

void options_help(const struct cmd *c, FILE *to)
{
	fprintf(to, "Usage: weaver %s %s%s\n", c->name, c->options ? "[OPTION…] " : "", c->usage);
	if (c->alias)
		fprintf(to, "       weaver %s …\n", c->alias);
	fprintf(to, "\n%s.\n", c->help);
	if (c->options) {
		fputs("\n", to);
		for (const struct cmd_option *p = c->options; p->name; p++)
			options_print(p, to);
	}
	if (c->more)
		fprintf(to, "\n%s", c->more);
}

bool options_number(struct options *o, const char *name, int64_t min, int64_t max, int64_t *ret)
{
	char *end;

	errno = 0;
	long long n = strtoll(o->value, &end, 10);
	if (errno == 0 && end != o->value && *end == '\0' && n >= min && n <= max) {
		*ret = n;
		return true;
	}
	o->status = complain_usage(o->c, "%s: --%s %s: a number from %" PRId64 " to %" PRId64,
				   o->c->name, name, o->value, min, max);
	return false;
}

bool options_duration(struct options *o, const char *name, int64_t *ret_s)
{
	struct error e = ERROR_INIT;
	struct duration d;

	if (duration_parse(o->value, &d, &e) == 0 && !d.relative) {
		*ret_s = d.seconds;
		return true;
	}
	o->status = complain_usage(o->c, "%s: --%s %s: %s", o->c->name, name, o->value,
				   e.code ? e.text : "write 30s, 5m, 2h");
	return false;
}
