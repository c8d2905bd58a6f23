/* SPDX-License-Identifier: Apache-2.0 */
/* weaver audit verify FILE: is the trail whole, and where is it not? */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/cmd.h"
#include "tools/trail.h"

#define EXIT_HOLES 1

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

static int verify(const char *path)
{
	_cleanup_(close_file) FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	_cleanup_(cleanup_free) char *line = NULL;
	struct trail *t = f ? trail_new(say, NULL) : NULL;
	struct trail_sums s;
	size_t room = 0;

	if (!t) {
		weaver_complain("%s: %s", path, strerror(errno));
		return CMD_EXIT_USAGE;
	}
	for (ssize_t n; (n = getline(&line, &room, f)) > 0;)
		trail_line(t, line, (size_t)n);
	bool failed = ferror(f);
	trail_end(t, &s);
	trail_free(t);
	if (failed) {
		weaver_complain("%s: %s", path, strerror(errno));
		return CMD_EXIT_USAGE;
	}
	printf("%" PRIu64 " lines, %" PRIu64 " batches, %" PRIu64 " runs: %s\n"
	       "%" PRIu64 " records listed, %" PRIu64 " filtered, %" PRIu64 " lost (%" PRIu64
	       " reported), %" PRIu64 " gaps between runs\n",
	       s.lines, s.batches, s.runs, s.holes ? "not whole" : "whole", s.listed, s.filtered,
	       s.missing, s.reported, s.gaps);
	if (s.open)
		printf("the last %" PRIu64 " lines have no batch yet\n", s.open);
	return s.holes ? EXIT_HOLES : 0;
}

static int run(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "verify") != 0)
		return weaver_usage(&cmd_audit_entry);
	return verify(argv[2]);
}

const struct cmd cmd_audit_entry = {
	.name = "audit",
	.usage = "verify FILE",
	.help = "is an audit trail whole; exit status 1: it names the holes",
	.run = run,
};
