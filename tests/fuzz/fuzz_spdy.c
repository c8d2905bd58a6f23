/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as frames of SPDY, in pieces of a length that the first byte names: the reader gives
 * what is there, takes all data frames' bytes once, and stays within header blocks.
 */
#include "tools/kubesim/spdy.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In a copy that ends where the block does: the sanitizer sees who reads on. */
static void header_look(const struct spdy_frame *f)
{
	char value[16], *copy = malloc(f->len);

	assert(copy);
	memcpy(copy, f->bytes, f->len);
	struct spdy_frame exact = { .bytes = copy, .len = f->len };
	if (spdy_header(&exact, "port", value, sizeof(value)))
		assert(strlen(value) < sizeof(value));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	size_t step = len ? (size_t)data[0] + 1 : 1, given = 0;
	int got = 0;

	for (size_t at = 1; got >= 0 && at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		spdy_reader_add(&r, (const char *)data + at, n);
		while ((got = spdy_read(&r, &f)) > 0) {
			if (f.type == SPDY_DATA)
				given += f.len;
			else if (f.len)
				header_look(&f);
		}
	}
	assert(given <= len);
	spdy_reader_done(&r);
	return 0;
}
