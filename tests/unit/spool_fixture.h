/* SPDX-License-Identifier: Apache-2.0 */
/* A spool in a directory of its own, for the tests of spool.c and spool_reader.c. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/logs/spool.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"
#define CAP 4096

static char dir[64], log_path[160], pos_path[160];

static inline int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_spool.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(log_path, sizeof(log_path), "%s/spool/" UID ".log", dir);
	snprintf(pos_path, sizeof(pos_path), "%s/spool/" UID ".pos", dir);
	strcat(dir, "/spool");
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(pos_path);
	rmdir(dir);
	*strrchr(dir, '/') = '\0';
	return rmdir(dir);
}

static inline struct spool *open_spool(struct log_position *ret_pos)
{
	struct log_position pos;
	struct spool *s;

	assert_int_equal(spool_open(dir, UID, SPOOL_LOGS, CAP, &s, ret_pos ? ret_pos : &pos, NULL),
			 0);
	return s;
}

static inline void append(struct spool *s, const char *text, int64_t ns)
{
	struct log_position pos = { .container_id = "containerd://abc", .last_ns = ns, .same = 1 };

	assert_int_equal(spool_append(s, text, strlen(text), &pos, NULL), 0);
}

/* n numbered lines of 16 bytes each. */
static inline void append_lines(struct spool *s, int from, int n)
{
	for (int i = from; i < from + n; i++) {
		char line[32];

		snprintf(line, sizeof(line), "line %010d\n", i);
		append(s, line, i);
	}
}

static inline struct spool_reader *open_reader(struct spool *s)
{
	struct spool_reader *r;

	assert_int_equal(spool_reader_new(s, &r), 0);
	return r;
}

/* On from *offset to the end, in pieces of `piece`; a static buffer. */
static inline const char *read_on(struct spool_reader *r, off_t *offset, size_t piece)
{
	static char text[4 * CAP];
	size_t len = 0;
	ssize_t n;

	while ((n = spool_reader_read(r, text + len, piece, *offset)) > 0) {
		len += (size_t)n;
		*offset += n;
		assert_true(len + piece < sizeof(text));
	}
	assert_int_equal(n, 0);
	text[len] = '\0';
	return text;
}
