/* SPDX-License-Identifier: Apache-2.0 */
/* scan_feed(): the same objects and the same verdict whether fed whole, in pieces, or by bytes. */
#include "k8s/scan.c"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int fuzz_object(void *data, char *json, size_t len, struct error *e)
{
	(void)e;
	assert(json[len] == '\0' && len >= 2 && json[0] == '{' && json[len - 1] == '}');
	/* what the scanner takes for an object, its own look-up reads to the end */
	assert(scan_value_end(json, json + len) == json + len);
	buf_add(data, json, len);
	buf_add_char(data, '\n');
	return 0;
}

static int fuzz_run(enum scan_shape shape, const char *bytes, size_t len, size_t piece,
		    struct buf *out)
{
	struct scan s;
	int r = 0;

	scan_init(&s, shape);
	s.object = fuzz_object;
	s.metadata = fuzz_object;
	s.data = out;
	for (size_t at = 0; at < len && r == 0; at += piece)
		r = scan_feed(&s, bytes + at, piece < len - at ? piece : len - at, NULL);
	if (r == 0)
		r = scan_finish(&s, NULL);
	scan_done(&s);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return -1;
	enum scan_shape shape = data[0] & 1 ? SCAN_LIST : SCAN_SEQUENCE;
	size_t piece = 1 + (data[0] >> 1), n = 0;
	const char *bytes = (const char *)data + 1;
	struct buf whole = BUF_INIT, pieces = BUF_INIT;

	len--;
	int r = fuzz_run(shape, bytes, len, len ? len : 1, &whole);
	assert(r == 0 || r == -EPROTO);
	assert(fuzz_run(shape, bytes, len, piece, &pieces) == r);
	assert(whole.len == pieces.len);
	assert(memcmp(buf_str(&whole), buf_str(&pieces), whole.len) == 0);
	const char *member = scan_member(bytes, len, "metadata", &n);
	assert(!member || (member > bytes && n > 0 && member + n <= bytes + len));
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
