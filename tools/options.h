/* SPDX-License-Identifier: Apache-2.0 */
/* The options of one verb, read as its table says. --help is every verb's. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/cmd.h"

#define OPTIONS_END (-1)

struct options {
	const struct cmd *c;
	int argc;
	char **argv;       /* from the first operand on, after OPTIONS_END */
	const char *value; /* of the option that was returned; borrowed */
	int status;        /* of us, where options_next() returned 0 */
};

void options_begin(struct options *o, const struct cmd *c, int argc, char **argv);
/* The key of the next option; OPTIONS_END; 0: that was it, return o->status. */
int options_next(struct options *o);

/* The page that --help prints. */
void options_help(const struct cmd *c, FILE *to);

/* A whole number from min to max, or a duration ("90", "5m"); says so if it is none. */
bool options_number(struct options *o, const char *name, int64_t min, int64_t max, int64_t *ret);
bool options_duration(struct options *o, const char *name, int64_t *ret_s);
