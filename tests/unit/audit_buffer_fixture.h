/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer of a megabyte in a directory of its own, for each test. */
#pragma once
#include <errno.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/buffer.h"
#include "tests/unit/audit_fixture.h"

#define MAX (1 << 20)

static char dir[32];
static const char hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

static inline int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/audit_buffer.XXXXXX");
	audit_directory(dir);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	audit_remove(dir);
	return 0;
}

static inline struct buffer *open_buffer(struct buf *last)
{
	struct buffer *b = NULL;
	struct error e = ERROR_INIT;
	int r = buffer_open(dir, MAX, last ? (buffer_lines_fn *)buf_add : NULL, last, &b, &e);

	if (r < 0)
		fail_msg("%s", e.text);
	return b;
}

static inline int append_len(struct buffer *b, const char *lines, size_t len, uint32_t records,
			     uint64_t batch)
{
	return buffer_append(b,
			     &(struct buffer_lines){ .lines = lines,
						     .len = len,
						     .records = records,
						     .begins_batch = true,
						     .batch = batch,
						     .hash = hash },
			     NULL);
}

static inline void append(struct buffer *b, const char *line)
{
	assert_int_equal(append_len(b, line, strlen(line), 1, 0), 0);
}

static char block[64 << 10];

static inline void fill_block(char letter)
{
	memset(block, letter, sizeof(block));
	block[sizeof(block) - 1] = '\n';
}
