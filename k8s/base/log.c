/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is composed in memory and leaves in one write(2), so that lines of several threads do not
 * mix. Messages carry text from servers and users: control characters are escaped, and a message
 * stays one line whatever is in it.
 */
#include "k8s/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"

static const struct {
	const char *word;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

/* Written by log_init() before there are threads, read only afterwards. */
static struct log_options options = { .program = "weaverfs", .level = LOG_LEVEL_INFO };
static bool to_journal;

/* $JOURNAL_STREAM names the device and inode of the journal's socket (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_init(const struct log_options *o)
{
	options = *o;
	to_journal = stderr_is_journal();
}

bool log_enabled(enum log_level level)
{
	return level <= options.level;
}

static const char *level_word(enum log_level level)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (levels[i].level == level)
			return levels[i].word;
	}
	return "info";
}

static void add_json_line(struct buf *b, enum log_level level, const struct buf *message)
{
	char stamp[RFC3339_NANOS_LEN + 1];

	rfc3339_format_nanos(clock_realtime_ns(), stamp);
	buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":", stamp, level_word(level));
	buf_add_json(b, options.program, strlen(options.program));
	buf_add_str(b, ",\"message\":");
	buf_add_json(b, buf_str(message), message->len);
	buf_add_str(b, "}\n");
}

static void add_text_line(struct buf *b, enum log_level level, const struct buf *message)
{
	if (to_journal)
		buf_printf(b, "<%d>", (int)level);
	else
		buf_printf(b, "%s: ", options.program);
	buf_add_escaped(b, buf_str(message), message->len);
	buf_add_char(b, '\n');
}

static void write_line(const char *data, size_t len)
{
	/* A log that cannot be written has nobody to be reported to. */
	while (write(STDERR_FILENO, data, len) < 0 && errno == EINTR)
		;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char no_memory[] = "log: out of memory, a message is lost\n";
	_cleanup_(buf_done) struct buf message = BUF_INIT;
	_cleanup_(buf_done) struct buf line = BUF_INIT;
	int saved = errno; /* callers log before they look at it */
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	if (options.json)
		add_json_line(&line, level, &message);
	else
		add_text_line(&line, level, &message);
	if (buf_error(&message) == 0 && buf_error(&line) == 0)
		write_line(line.data, line.len);
	else
		write_line(no_memory, sizeof(no_memory) - 1);
	errno = saved;
}

int log_level_parse(const char *word, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].word, word) == 0) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}
