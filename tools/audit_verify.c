/* SPDX-License-Identifier: Apache-2.0 */
/* See audit_verify.h. */
#include "tools/audit_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/cmd.h"
#include "tools/trail.h"

static void say(void *arg, const char *text)
{
	(void)arg;
	printf("%s\n", text);
}

static void close_file(FILE **f)
{
	if (*f && *f != stdin)
		fclose(*f);
}

int audit_verify_file(const char *path)
{
	_cleanup_(close_file) FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	_cleanup_(cleanup_free) char *line = NULL;
	struct trail *t = f ? trail_new(say, NULL) : NULL;
	struct trail_sums s;
	size_t room = 0;

	if (!t) {
		complain_that("%s: %s", path, strerror(errno));
		return CMD_EXIT_USAGE;
	}
	for (ssize_t n; (n = getline(&line, &room, f)) > 0;)
		trail_line(t, line, (size_t)n);
	bool failed = ferror(f);
	trail_end(t, &s);
	trail_free(t);
	if (failed) {
		complain_that("%s: %s", path, strerror(errno));
		return CMD_EXIT_USAGE;
	}
	printf("%" PRIu64 " lines, %" PRIu64 " batches, %" PRIu64 " runs: %s\n"
	       "%" PRIu64 " records listed, %" PRIu64 " filtered, %" PRIu64 " lost (%" PRIu64
	       " reported), %" PRIu64 " gaps between runs\n",
	       s.lines, s.batches, s.runs, s.holes ? "not whole" : "whole", s.listed, s.filtered,
	       s.missing, s.reported, s.gaps);
	if (s.open)
		printf("the last %" PRIu64 " lines have no batch yet\n", s.open);
	return s.holes ? CMD_EXIT_FAILED : 0;
}
