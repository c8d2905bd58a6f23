/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment: a reader gives whole frames or says that there are none, from any cursor;
 * the writer goes on behind what is whole. And any bytes as a DNS message.
 */
#include "sidecar/buffer_reader.c"

#include <assert.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sidecar/buffer.h"
#include "sidecar/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char fuzz_dir[64];

static void fuzz_write(const uint8_t *data, size_t len)
{
	struct segment_head head = { .magic = SEGMENT_MAGIC };
	struct segment_frame frame = { .len = 5, .records = 1 };
	char path[100];

	if (!*fuzz_dir) {
		snprintf(fuzz_dir, sizeof(fuzz_dir), "/dev/shm/fuzz_audit.%d", getpid());
		assert(mkdir(fuzz_dir, 0700) == 0);
	}
	snprintf(path, sizeof(path), "%s/0000000000000000.seg", fuzz_dir);
	FILE *f = fopen(path, "we");
	assert(f);
	head.sum = segment_head_sum(&head);
	frame.sum = segment_frame_sum(&frame, 0, "line\n");
	/* Behind a head and a frame that are sound, or as all there is. */
	if (len > 0 && data[0] & 1) {
		fwrite(&head, sizeof(head), 1, f);
		fwrite(&frame, sizeof(frame), 1, f);
		fwrite("line\n", 5, 1, f);
	}
	fwrite(data, len, 1, f);
	fclose(f);
}

static uint64_t fuzz_read(uint64_t after)
{
	struct buffer_reader *r;
	struct buffer_chunk chunk;
	uint64_t bytes = 0;
	int n = buffer_reader_open(fuzz_dir, after, &r, NULL);

	assert(n == 0);
	while ((n = buffer_reader_next(r, &chunk, NULL)) > 0) {
		assert(chunk.len > 0 && chunk.offset + chunk.len == buffer_reader_place(r));
		bytes += chunk.len;
	}
	assert(n == 0 || n == -ESTALE);
	buffer_reader_close(r);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_message m;
	struct buffer *b = NULL;
	struct buffer_state st;

	dns_parse(data, len, &m);
	fuzz_write(data, len);
	uint64_t all = fuzz_read(0);
	uint64_t rest = fuzz_read(len > 1 ? data[1] : 0);
	assert(rest <= all && (!(len > 0 && data[0] & 1) || all >= 5));
	assert(buffer_open(fuzz_dir, 1 << 20, NULL, NULL, &b, NULL) == 0);
	buffer_state(b, &st);
	assert(st.end == all);
	buffer_close(b);
	return 0;
}
