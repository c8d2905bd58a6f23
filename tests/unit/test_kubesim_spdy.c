/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/kubesim/spdy.c against the bytes that kubectl 1.32 sends (its own log of them, -v=8)
 * and against peers that are mad. Programs are not libraries, so the source is included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tools/kubesim/spdy.c"

/* clang-format off */
/* The error stream of a pair and its end, then the data stream, which shares the zlib stream. */
static const unsigned char kubectl_sends[] = {
	0x80, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2, 0x02, 0x25, 0x3a, 0x06, 0x06, 0x06, 0xce, 0x22,
	0x48, 0xfc, 0x64, 0x82, 0xd2, 0x2d, 0xa3, 0x01, 0x38, 0xe5, 0x95, 0x14, 0xa5, 0x26, 0xe6, 0x42,
	0x0b, 0x17, 0xd6, 0x54, 0x50, 0xd0, 0x43, 0x0a, 0xea, 0x22, 0x50, 0xa2, 0x66, 0x35, 0x31, 0xb7,
	0x30, 0x34, 0x02, 0x00, 0x00, 0x00, 0xff, 0xff,
	0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00,
	0x80, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x82, 0xea, 0x46, 0x55, 0x0b, 0x2a, 0x88, 0x12, 0xb1, 0x29, 0x45, 0xb3, 0x04, 0x00,
	0x00, 0x00, 0xff, 0xff,
};
/* clang-format on */

static void header_is(const struct spdy_frame *f, const char *name, const char *value)
{
	char text[32];
	assert_true(spdy_header(f, name, text, sizeof(text)));
	assert_string_equal(text, value);
}

static void kubectl_check(size_t step)
{
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	int seen = 0;
	for (size_t at = 0; at < sizeof(kubectl_sends); at += step) {
		size_t left = sizeof(kubectl_sends) - at;
		spdy_reader_add(&r, (const char *)kubectl_sends + at, step < left ? step : left);
		for (; spdy_read(&r, &f) > 0; seen++) {
			assert_int_equal(f.type, seen == 1 ? SPDY_DATA : SPDY_SYN_STREAM);
			assert_int_equal(f.stream, seen == 2 ? 3 : 1);
			assert_int_equal(f.fin, seen == 1);
			if (seen == 1)
				continue;
			header_is(&f, "streamtype", seen == 0 ? "error" : "data");
			header_is(&f, "port", "47812");
			header_is(&f, "requestid", "0");
		}
	}
	assert_int_equal(seen, 3);
	spdy_reader_done(&r);
}

static void streams_of_kubectl_are_read_in_any_pieces(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(kubectl_sends); step++)
		kubectl_check(step);
}

static void header_absent_or_too_long_is_not_found(void **state)
{
	(void)state;
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	char text[5];
	spdy_reader_add(&r, (const char *)kubectl_sends, sizeof(kubectl_sends));
	assert_int_equal(spdy_read(&r, &f), 1);
	assert_false(spdy_header(&f, "ports", text, sizeof(text)));
	assert_false(spdy_header(&f, "port", text, sizeof(text)));
	assert_true(spdy_header(&f, "requestid", text, sizeof(text)));
	assert_false(spdy_header(&(struct spdy_frame){ 0 }, "requestid", text, sizeof(text)));
	/* A block that ends before what it announces; the sanitizer sees who reads on. */
	for (size_t len = 1; len < f.len; len++) {
		char *cut = malloc(len);
		assert_non_null(cut);
		memcpy(cut, f.bytes, len);
		struct spdy_frame part = { .bytes = cut, .len = len };
		assert_int_equal(spdy_header(&part, "no", text, sizeof(text)), false);
		free(cut);
	}
	spdy_reader_done(&r);
}

static void data_comes_as_it_arrives_and_ends_once(void **state)
{
	(void)state;
	struct buf sent = BUF_INIT, got = BUF_INIT;
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	int ends = 0;
	spdy_add_data(&sent, 3, false, "one ", 4);
	spdy_add_data(&sent, 3, true, "two", 3);
	for (size_t i = 0; i < sent.len; i++) {
		spdy_reader_add(&r, sent.data + i, 1);
		for (; spdy_read(&r, &f) > 0; ends += f.fin) {
			assert_int_equal(f.type, SPDY_DATA);
			assert_int_equal(f.stream, 3);
			assert_int_equal(ends, 0);
			buf_add(&got, f.bytes, f.len);
		}
	}
	assert_string_equal(buf_str(&got), "one two");
	assert_int_equal(ends, 1);
	buf_done(&sent);
	buf_done(&got);
	spdy_reader_done(&r);
}

static void what_is_written_can_be_read(void **state)
{
	(void)state;
	struct buf sent = BUF_INIT;
	struct spdy_writer w = { 0 };
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	static const struct {
		int type;
		uint32_t stream;
		size_t len;
	} all[] = { { SPDY_SYN_REPLY, 1, 4 },
		    { SPDY_SYN_REPLY, 3, 4 },
		    { SPDY_RST_STREAM, 3, 0 },
		    { SPDY_PING, 7, 0 },
		    { SPDY_GOAWAY, 3, 0 } };
	spdy_add_reply(&w, &sent, 1);
	spdy_add_reply(&w, &sent, 3);
	spdy_add_reset(&sent, 3, SPDY_CANCEL);
	spdy_add_ping(&sent, 7);
	spdy_add_goaway(&sent, 3, 0);
	spdy_reader_add(&r, sent.data, sent.len);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(spdy_read(&r, &f), 1);
		assert_int_equal(f.type, all[i].type);
		assert_int_equal(f.stream, all[i].stream);
		assert_int_equal(f.len, all[i].len);
	}
	assert_int_equal(spdy_read(&r, &f), 0);
	buf_done(&sent);
	spdy_writer_done(&w);
	spdy_reader_done(&r);
}

static void mad_is(const void *bytes, size_t len)
{
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	spdy_reader_add(&r, bytes, len);
	assert_int_equal(spdy_read(&r, &f), -EPROTO);
	spdy_reader_done(&r);
}

static void mad_peers_are_refused(void **state)
{
	(void)state;
	unsigned char copy[72];
	mad_is("\x80\x02\0\6\0\0\0\4\0\0\0\1", 12); /* another version */
	mad_is("\x80\3\0\6\0\0\0\3\0\0\0", 11);     /* a number cut short */
	mad_is("\x80\3\0\1\0\1\0\1", 8);            /* longer than any header block */
	mad_is("\x80\3\0\2\0\0\0\4\0\0\0\1", 12);   /* no header block */
	memcpy(copy, kubectl_sends, sizeof(copy));
	copy[20] ^= 1; /* another dictionary */
	mad_is(copy, sizeof(copy));
	memcpy(copy, kubectl_sends, sizeof(copy));
	copy[24] = 0xff; /* no such kind of deflate block */
	mad_is(copy, sizeof(copy));
}

static void what_is_unknown_is_passed_over(void **state)
{
	(void)state;
	struct spdy_reader r = { 0 };
	struct spdy_frame f;
	spdy_reader_add(&r, "\x80\3\0\x63\0\0\0\2xx\x80\3\0\6\0\0\0\4\0\0\0\5", 22);
	assert_int_equal(spdy_read(&r, &f), 1);
	assert_int_equal(f.type, 0x63);
	assert_int_equal(spdy_read(&r, &f), 1);
	assert_int_equal(f.type, SPDY_PING);
	assert_int_equal(f.stream, 5);
	spdy_reader_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_of_kubectl_are_read_in_any_pieces),
		cmocka_unit_test(header_absent_or_too_long_is_not_found),
		cmocka_unit_test(data_comes_as_it_arrives_and_ends_once),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(mad_peers_are_refused),
		cmocka_unit_test(what_is_unknown_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
