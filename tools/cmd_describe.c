/* SPDX-License-Identifier: Apache-2.0 */
/* weaver describe: all that its files say, on one page. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/find.h"
#include "tools/options.h"
#include "tools/text.h"
#include "tools/value.h"

#define DESCRIBE_LOG_LINES 5
#define DESCRIBE_LOG_BYTES 4096

/* What is empty is left out; lists are indented below their name. */
static void describe_file(int dir, const char *file)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	if (value_read(dir, file, &text, NULL) < 0 || text.len == 0)
		return;
	if (!strchr(text.data, '\n')) {
		printf("%-12s %s\n", file, text.data);
		return;
	}
	printf("%s\n", file);
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
		printf("  %s\n", line);
}

static void describe_time(int dir, const char *file, bool ahead)
{
	int64_t at_s = value_time(dir, file);
	char text[40], span[TEXT_MAX];

	if (at_s == 0)
		return;
	value_get(dir, file, text, sizeof(text));
	int64_t span_s = ahead ? at_s - time(NULL) : time(NULL) - at_s;
	text_duration(span_s, span);
	if (span_s < 0)
		printf("%-12s %s\n", file, text);
	else
		printf("%-12s %s (%s%s%s)\n", file, text, ahead ? "in " : "", span,
		       ahead ? "" : " ago");
}

static void describe_usage(int dir)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char bytes[TEXT_MAX] = "-";
	const char *cpu, *memory;

	if (value_read(dir, "usage", &text, NULL) < 0)
		return;
	cpu = strstr(buf_str(&text), "cpu_millicores=");
	memory = strstr(buf_str(&text), "memory_bytes=");
	if (!cpu || !memory)
		return;
	text_bytes(strtoll(memory + strlen("memory_bytes="), NULL, 10), bytes);
	printf("%-12s %lldm cpu, %s memory\n", "usage",
	       strtoll(cpu + strlen("cpu_millicores="), NULL, 10), bytes);
}

/* The environment's values may be secrets: whoever wants them reads the file. */
static void describe_env(int dir)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	if (value_read(dir, "env", &text, NULL) < 0 || text.len == 0)
		return;
	printf("%-12s", "env");
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
		printf(" %.*s", (int)strcspn(line, "="), line);
	puts("");
}

static void describe_log_end(int dir)
{
	_cleanup_(cleanup_close) int fd = openat(dir, "logs", O_RDONLY | O_CLOEXEC);
	char bytes[DESCRIBE_LOG_BYTES + 1];
	int lines = 0;

	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	off_t start = end > DESCRIBE_LOG_BYTES ? end - DESCRIBE_LOG_BYTES : 0;
	ssize_t n = end > 0 ? pread(fd, bytes, DESCRIBE_LOG_BYTES, start) : 0;
	if (n <= 0)
		return;
	bytes[n] = '\0';
	const char *from = bytes + n - (bytes[n - 1] == '\n');
	while (from > bytes && !(from[-1] == '\n' && ++lines == DESCRIBE_LOG_LINES))
		from--;
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	puts("logs (the end)");
	for (const char *line = from; *line;) {
		size_t len = strcspn(line, "\n");
		buf_reset(&out);
		buf_add_escaped(&out, line, len > 0 && line[len - 1] == '\r' ? len - 1 : len);
		printf("  %s\n", buf_str(&out));
		line += len + (line[len] == '\n');
	}
}

static void describe(int dir, const char *path)
{
	static const char *const what[] = { "reason",  "exit_code", "owner",   "image",
					    "command", "args",      "workdir", "repo",
					    "branch",  "cpu",       "memory",  "tags" };
	bool coloured = text_coloured(STDOUT_FILENO);
	char status[16], hold[4];

	value_get(dir, "status", status, sizeof(status));
	printf("%-12s %s%s%s\n", "name", text_bold(coloured), text_name(path),
	       text_plain(coloured));
	describe_file(dir, "id");
	printf("%-12s %s%s%s\n", "status", text_status_colour(coloured, status), status,
	       text_plain(coloured));
	describe_file(dir, what[0]);
	describe_file(dir, what[1]);
	describe_time(dir, "created", false);
	describe_time(dir, "expires", true);
	describe_time(dir, "deleted", false);
	describe_file(dir, "deleted_by");
	for (size_t i = 2; i < ARRAY_SIZE(what); i++)
		describe_file(dir, what[i]);
	describe_env(dir);
	value_get(dir, "hold", hold, sizeof(hold));
	if (strcmp(hold, "1") == 0)
		printf("%-12s %s\n", "hold", "1: rm is refused without --force");
	describe_file(dir, "pod");
	describe_file(dir, "node");
	describe_file(dir, "ip");
	describe_usage(dir);
	describe_file(dir, "events");
	describe_log_end(dir);
}

static int cmd_describe_run(int argc, char **argv)
{
	struct options o;
	int status = 0;

	options_begin(&o, &cmd_describe_entry, argc, argv);
	if (options_next(&o) != OPTIONS_END)
		return o.status;
	if (o.argc == 0)
		return complain_usage(o.c, "describe: whom?");
	for (int i = 0; i < o.argc; i++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT;
		struct error e = ERROR_INIT;
		_cleanup_(cleanup_close) int dir = find_open(o.argv[i], true, &path, &e);
		if (i > 0)
			puts("");
		if (dir < 0)
			status = complain_failed(&e);
		else
			describe(dir, buf_str(&path));
	}
	return status;
}

const struct cmd cmd_describe_entry = {
	.name = "describe",
	.alias = "inspect",
	.usage = "WEAVER…",
	.help = "say all that is known about it: why, when, what, events, the end of its log",
	.operands = CMD_ARCHIVED,
	.run = cmd_describe_run,
};
