/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One log_write() for the whole program. Only main.c, ops.c and cmd_*.c log above debug, and
 * fs/record.c, who did what; everything else returns its error instead. A message says what failed,
 * on what, why, what happens next. Lines go to stderr: as text ("weaverfs: …", or "<N>…" of
 * sd-daemon(3) when stderr is the journal, which knows the program; see $JOURNAL_STREAM) or as one
 * JSON object a line. Thread-safe: one write(2) a line.
 */
#pragma once
#include <stdbool.h>

/* Values of syslog(3), which sd-daemon(3) prefixes use too. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

struct log_options {
	const char *program;  /* borrowed for ever */
	enum log_level level; /* what is less severe is dropped */
	bool json;
};

void log_init(const struct log_options *options); /* before the first thread is started */
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "error", "warning", "info", "debug" → level; 0 or -EINVAL. */
int log_level_parse(const char *word, enum log_level *ret);
