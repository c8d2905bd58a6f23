/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver logs: the file logs, or with -f the stream follow/logs, which ends with the container. Its
 * bytes are as the weaver printed them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/write.h"
#include "tools/find.h"
#include "tools/options.h"

#define LOGS_CHUNK 65536

/* "" when all went well; what failed otherwise is in errno. */
static const char *logs_copy(int from, off_t skip)
{
	char bytes[LOGS_CHUNK];

	for (;;) {
		ssize_t n = read(from, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? "read" : "";
		ssize_t at = skip < n ? skip : n;
		skip -= at;
		int r = write_all(STDOUT_FILENO, bytes + at, (size_t)(n - at));
		if (r < 0) {
			errno = -r;
			return "write";
		}
	}
}

/* Where the last `lines` lines begin, looked for from the end backwards. */
static off_t logs_tail_start(int fd, int64_t lines)
{
	char bytes[LOGS_CHUNK];
	off_t end = lseek(fd, 0, SEEK_END), at = end;

	while (at > 0) {
		size_t len = at < LOGS_CHUNK ? (size_t)at : LOGS_CHUNK;
		ssize_t n = pread(fd, bytes, len, at - (off_t)len);
		if (n < (ssize_t)len)
			return at;
		at -= (off_t)len;
		for (ssize_t i = n - 1; i >= 0; i--) {
			/* the newline at the very end closes a line and begins none */
			if (bytes[i] == '\n' && at + i + 1 < end && lines-- == 1)
				return at + i + 1;
			if (lines == 0)
				return end;
		}
	}
	return 0;
}

/* The daemon has read the log from the kubelet when this returns: its size is the true one. */
static int logs_open(int dir, struct error *e)
{
	int fd = openat(dir, "logs", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? error_set(e, errno, "logs: %s", strerror(errno)) : fd;
}

static int logs_show(int dir, const char *name, int64_t tail, bool follow)
{
	struct error e = ERROR_INIT;
	_cleanup_(cleanup_close) int fd = logs_open(dir, &e);
	_cleanup_(cleanup_close) int stream =
		follow ? openat(dir, "follow/logs", O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		complain_that("%s: %s", name, e.text);
		return CMD_EXIT_FAILED;
	}
	off_t start = tail < 0 ? 0 : logs_tail_start(fd, tail);
	/* of one that is gone there is nothing to follow */
	bool live = stream >= 0;
	if (!live)
		lseek(fd, start, SEEK_SET);
	const char *failed = logs_copy(live ? stream : fd, live ? start : 0);
	if (failed[0] == '\0' || errno == EPIPE)
		return failed[0] ? CMD_EXIT_FAILED : 0;
	complain_that("%s: %s of logs: %s", name, failed, strerror(errno));
	return CMD_EXIT_FAILED;
}

static int cmd_logs_run(int argc, char **argv)
{
	struct error e = ERROR_INIT;
	bool follow = false;
	int64_t tail = -1;
	struct options o;

	options_begin(&o, &cmd_logs_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key == 'f')
			follow = true;
		else if (key != 'n' || (strcmp(o.value, "all") != 0 &&
					!options_number(&o, "tail", 0, INT64_MAX, &tail)))
			return o.status;
	}
	if (o.argc != 1)
		return complain_usage(o.c, "logs: one weaver");
	_cleanup_(cleanup_close) int dir = find_open(o.argv[0], true, NULL, &e);
	return dir < 0 ? complain_failed(&e) : logs_show(dir, o.argv[0], tail, follow);
}

static const struct cmd_option logs_options[] = {
	{ 'f', "follow", .help = "go on with what comes, until its command ends" },
	{ 'n', "tail", "LINES", .help = "begin that many lines before the end" },
	{ 0 },
};

const struct cmd cmd_logs_entry = {
	.name = "logs",
	.usage = "WEAVER",
	.help = "print what it has printed, also of one that is gone",
	.operands = CMD_ARCHIVED,
	.options = logs_options,
	.run = cmd_logs_run,
};
