/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver audit: the file audit, or with -f the stream follow/audit: JSON Lines, an event each.
 * Lines are chosen by the text of their members: the sidecar writes each as `"key":"value"`, and
 * inside strings a quote has a backslash before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "tools/audit_verify.h"
#include "tools/find.h"
#include "tools/options.h"

#define AUDIT_TYPES_MAX 16

enum { AUDIT_SINCE = 256, AUDIT_JSON };

struct audit {
	bool follow, json;
	const char *types[AUDIT_TYPES_MAX];
	size_t n_types;
	const char *text;
	int64_t since_s; /* 0: all */
};

/* What is behind "key": in a line, borrowed; NULL: it has none. */
static const char *audit_member(const char *line, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = strchr(line, '"'); p; p = strchr(p + 1, '"'))
		if (strncmp(p + 1, key, len) == 0 && strncmp(p + 1 + len, "\":", 2) == 0)
			return p + len + 3;
	return NULL;
}

/* A string's length as it is written, quotes left out; a number's. */
static int audit_value(const char *member, const char **ret)
{
	size_t len = 0;

	*ret = member ? member : "-";
	if (!member)
		return 1;
	if (*member != '"')
		return (int)strcspn(member, ",}");
	*ret = member + 1;
	while ((*ret)[len] && (*ret)[len] != '"')
		len += (*ret)[len] == '\\' && (*ret)[len + 1] ? 2 : 1;
	return (int)len;
}

static bool audit_wanted(const struct audit *a, const char *line)
{
	const char *type;
	int len = audit_value(audit_member(line, "event_type"), &type);
	const char *stamp = audit_member(line, "timestamp_ns");
	bool wanted = a->n_types == 0;

	for (size_t i = 0; i < a->n_types && !wanted; i++)
		/* process stands for process_exec and its like */
		wanted = strncmp(type, a->types[i], strlen(a->types[i])) == 0 &&
			 ((size_t)len == strlen(a->types[i]) || type[strlen(a->types[i])] == '_');
	if (a->text && !strstr(line, a->text))
		return false;
	if (a->since_s && stamp &&
	    strtoll(stamp + (*stamp == '"'), NULL, 10) / 1000000000 < a->since_s)
		return false;
	return wanted;
}

static void audit_print(const struct audit *a, const char *line)
{
	const char *type, *comm, *pid, *stamp = audit_member(line, "timestamp_ns");
	const char *details = audit_member(line, "details");
	long long ns = stamp ? strtoll(stamp + (*stamp == '"'), NULL, 10) : 0;
	time_t s = (time_t)(ns / 1000000000);
	char when[32] = "";
	struct tm tm;

	if (a->json || !stamp) {
		puts(line);
		return;
	}
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	int type_len = audit_value(audit_member(line, "event_type"), &type);
	int comm_len = audit_value(audit_member(line, "comm"), &comm);
	int pid_len = audit_value(audit_member(line, "pid"), &pid);
	size_t len = details ? strlen(details) : 0;
	/* the last brace is the envelope's */
	if (len > 0 && details[len - 1] == '}')
		len--;
	printf("%s.%03lldZ %-18.*s %.*s[%.*s] %.*s\n", when, ns / 1000000 % 1000, type_len, type,
	       comm_len, comm, pid_len, pid, (int)len, details ? details : "");
}

static int audit_read(const struct audit *a, int fd, struct error *e)
{
	_cleanup_(buf_done) struct buf have = BUF_INIT;

	for (;;) {
		if (buf_reserve(&have, 65536) < 0)
			return error_oom(e);
		ssize_t n = read(fd, have.data + have.len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(e, errno, "audit: %s", strerror(errno));
		if (n == 0)
			return 0;
		have.len += (size_t)n;
		have.data[have.len] = '\0';
		size_t at = 0;
		for (char *end; (end = memchr(have.data + at, '\n', have.len - at));) {
			*end = '\0';
			if (audit_wanted(a, have.data + at))
				audit_print(a, have.data + at);
			at = (size_t)(end - have.data) + 1;
		}
		buf_drop_front(&have, at);
		if (fflush(stdout) == EOF)
			return error_set(e, errno, "write error: %s", strerror(errno));
	}
}

static int audit_show(const struct audit *a, const char *name)
{
	struct error e = ERROR_INIT;
	_cleanup_(cleanup_close) int dir = find_open(name, true, NULL, &e);

	if (dir < 0)
		return complain_failed(&e);
	_cleanup_(cleanup_close) int fd =
		openat(dir, a->follow ? "follow/audit" : "audit", O_RDONLY | O_CLOEXEC);
	/* of one that is gone there is nothing to follow */
	if (fd < 0 && a->follow && errno == ENOENT)
		fd = openat(dir, "audit", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain_that("%s: audit: %s%s", name, strerror(errno),
			      errno == ENODATA ? ": it has no audit sidecar (audit_enabled)" : "");
		return CMD_EXIT_FAILED;
	}
	if (audit_read(a, fd, &e) == 0)
		return 0;
	return complain_failed(&e);
}

static int cmd_audit_run(int argc, char **argv)
{
	struct audit a = { 0 };
	struct options o;

	options_begin(&o, &cmd_audit_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		int64_t ago_s;
		if (key == 'f')
			a.follow = true;
		else if (key == AUDIT_JSON)
			a.json = true;
		else if (key == 'g')
			a.text = o.value;
		else if (key == 't' && a.n_types < AUDIT_TYPES_MAX)
			a.types[a.n_types++] = o.value;
		else if (key == AUDIT_SINCE && options_duration(&o, "since", &ago_s))
			a.since_s = time(NULL) - ago_s;
		else
			return o.status;
	}
	if (o.argc == 2 && strcmp(o.argv[0], "verify") == 0)
		return audit_verify_file(o.argv[1]);
	if (o.argc != 1)
		return complain_usage(o.c, "audit: one weaver, or verify and a file");
	return audit_show(&a, o.argv[0]);
}

/* clang-format off */
static const struct cmd_option audit_options[] = {
	{ 'f', "follow", .help = "go on with what comes" },
	{ 't', "type", "TYPE", "process file network dns privilege_change memory_exec sandbox_escape audit",
	  "only such events: network, or process_exec; may be given again" },
	{ 'g', "grep", "TEXT", .help = "only lines with this text" },
	{ AUDIT_SINCE, "since", "TIME", .help = "only of the last 5m, 2h" },
	{ AUDIT_JSON, "json", .help = "lines as the sidecar wrote them" },
	{ 0 },
};

const struct cmd cmd_audit_entry = {
	.name = "audit",
	.usage = "WEAVER|verify FILE",
	.help = "print what it did, as its audit sidecar saw it, or verify that a trail is whole",
	.more = "Each event is a line: when, what, who, and its details. verify checks the chain of hashes and\n"
		"the numbers of a trail (WEAVER/audit, or - for stdin); the exit status is 1 for one with\n"
		"holes, which are named, and 2 for one that cannot be read.\n",
	.operands = CMD_ARCHIVED,
	.options = audit_options,
	.run = cmd_audit_run,
};
/* clang-format on */
