/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes of log requests to new lines: positions, duplicates, zones, gaps, endless lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/log_reader.h"

#define T(ns) "2026-11-24T02:02:45." ns "Z "
#define S45 INT64_C(1795485765000000000) /* 2026-11-24T02:02:45Z */

static int add_lines(void *data, const char *bytes, size_t len, const struct log_position *pos)
{
	(void)pos;
	buf_add(data, bytes, len);
	return 0;
}

static void add_gap(void *data, int64_t from_ns, int64_t to_ns)
{
	buf_printf(data, "<%lld..%lld>", (long long)(from_ns - S45), (long long)(to_ns - S45));
}

static void init_reader(struct log_reader *r, struct log_position from, struct buf *out)
{
	log_reader_init(r, &from);
	r->lines = add_lines;
	r->gap = add_gap;
	r->data = out;
	log_reader_begin(r);
}

/* One request from `from`, in pieces of every size up to 40. */
static void assert_read(struct log_position from, const char *in, const char *out, int64_t last_ns,
			uint32_t same)
{
	for (size_t piece = 1; piece < 40; piece++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;
		_cleanup_(log_reader_done) struct log_reader r;
		init_reader(&r, from, &text);
		for (size_t at = 0, len = strlen(in); at < len; at += piece) {
			size_t n = piece < len - at ? piece : len - at;
			assert_int_equal(log_reader_feed(&r, in + at, n, NULL), 0);
		}
		assert_string_equal(buf_str(&text), out);
		assert_int_equal(r.pos.last_ns - S45, last_ns);
		assert_int_equal(r.pos.same, same);
	}
}

static struct log_position at(int64_t ns, uint32_t same)
{
	return (struct log_position){ .last_ns = S45 + ns, .same = same };
}

static void reader_from_the_start_gives_whole_lines(void **state)
{
	struct log_position none = { 0 };

	(void)state;
	assert_read(none,
		    T("000000001") "a\n" T("000000002") "\n" T("000000002") "b c\n" T(
			    "000000003") "cut",
		    "a\n\nb c\n", 2, 2);
	assert_read(none, "", "", -S45, 0);
}

static void reader_drops_what_was_read(void **state)
{
	const char *log =
		T("000000001") "a\n" T("000000002") "b\n" T("000000002") "c\n" T("000000003") "d\n";

	(void)state;
	assert_read(at(1, 1), log, "b\nc\nd\n", 3, 1);
	assert_read(at(2, 1), log, "c\nd\n", 3, 1);
	assert_read(at(2, 2), log, "d\n", 3, 1);
	assert_read(at(3, 1), log, "", 3, 1);
	/* the same stamp goes on in the next request */
	assert_read(at(2, 2), T("000000002") "b\n" T("000000002") "c\n" T("000000002") "x\n", "x\n",
		    2, 3);
}

static void reader_compares_times_not_texts(void **state)
{
	(void)state;
	assert_read(at(5, 1),
		    "2026-11-24T03:02:45.000000005+01:00 a\n"
		    "2026-11-23T20:32:45.000000006-05:30 b\n",
		    "b\n", 6, 1);
}

static void reader_tells_of_a_gap_once_and_in_place(void **state)
{
	(void)state;
	assert_read(at(1, 1), T("000000005") "a\n" T("000000009") "b\n", "<1..5>a\nb\n", 9, 1);
	/* the second of two lines with one stamp is gone: the anchor was not reached */
	assert_read(at(1, 2), T("000000001") "a\n" T("000000005") "b\n", "<1..5>b\n", 5, 1);
	assert_read(at(7, 1), T("000000005") "a\n", "", 7, 1);
}

static void reader_gives_a_line_again_rather_than_never(void **state)
{
	(void)state;
	/* the node's clock was set back between two lines */
	assert_read(at(5, 1), T("000000005") "a\n" T("000000003") "b\n" T("000000006") "c\n",
		    "b\nc\n", 6, 1);
}

static void reader_keeps_the_kubelets_text_apart(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(log_reader_done) struct log_reader r;
	const char *in = "unable to retrieve container logs for containerd://12\n";

	(void)state;
	init_reader(&r, (struct log_position){ 0 }, &text);
	assert_int_equal(log_reader_feed(&r, in, strlen(in), NULL), 0);
	assert_int_equal(text.len, 0);
	assert_string_equal(r.note, "unable to retrieve container logs for containerd://12");
	log_reader_begin(&r);
	in = "00000000 the rest of a long line\n"; /* no complaint: the line's end was ours before */
	assert_int_equal(log_reader_feed(&r, in, strlen(in), NULL), 0);
	assert_string_equal(r.note, "");
	in = "2026-11-24 no stamp";
	assert_int_equal(log_reader_feed(&r, in, strlen(in), NULL), 0);
	assert_int_equal(log_reader_finish(&r, NULL), 0);
	assert_int_equal(text.len, 0);
}

static void reader_finish_gives_the_last_line(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(log_reader_done) struct log_reader r;

	(void)state;
	init_reader(&r, at(1, 1), &text);
	const char *in = T("000000001") "a\n" T("000000002") "no newline";
	assert_int_equal(log_reader_feed(&r, in, strlen(in), NULL), 0);
	assert_string_equal(buf_str(&text), "");
	assert_int_equal(log_reader_finish(&r, NULL), 0);
	assert_string_equal(buf_str(&text), "no newline");
	assert_int_equal(r.pos.last_ns, S45 + 2);
	/* a restart from there reads nothing again */
	log_reader_begin(&r);
	assert_int_equal(log_reader_feed(&r, in, strlen(in), NULL), 0);
	assert_int_equal(log_reader_finish(&r, NULL), 0);
	assert_string_equal(buf_str(&text), "no newline");
}

static void reader_passes_endless_lines_on(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT, in = BUF_INIT;
	_cleanup_(log_reader_done) struct log_reader r;
	size_t len = 3 * LOG_READER_LINE_MAX;

	(void)state;
	buf_add_str(&in, T("000000001"));
	buf_reserve(&in, len);
	memset(in.data + in.len, 'x', len);
	in.len += len;
	init_reader(&r, (struct log_position){ 0 }, &text);
	for (size_t from = 0; from < in.len; from += 60000) {
		size_t n = in.len - from < 60000 ? in.len - from : 60000;
		assert_int_equal(log_reader_feed(&r, in.data + from, n, NULL), 0);
		assert_true(r.pending.cap <= 4 * LOG_READER_LINE_MAX);
	}
	assert_true(text.len > len - 60001);
	assert_int_equal(r.pos.last_ns, 0); /* not before its end */
	const char *end = "\n" T("000000002") "y\n";
	assert_int_equal(log_reader_feed(&r, end, strlen(end), NULL), 0);
	assert_int_equal(text.len, len + 3);
	assert_int_equal(r.pos.last_ns, S45 + 2);
	/* a later request drops all of it */
	buf_reset(&text);
	buf_add_str(&in, end);
	log_reader_begin(&r);
	for (size_t from = 0; from < in.len; from += 60000)
		log_reader_feed(&r, in.data + from, in.len - from < 60000 ? in.len - from : 60000,
				NULL);
	assert_int_equal(text.len, 0);
}

static void feed(struct log_reader *r, const char *bytes, size_t len)
{
	for (size_t from = 0; from < len; from += 60000)
		assert_int_equal(log_reader_feed(r, bytes + from,
						 len - from < 60000 ? len - from : 60000, NULL),
				 0);
}

/* "a", a line of three times the length that is waited for, "y" */
static void make_long(struct buf *in)
{
	size_t len = 3 * LOG_READER_LINE_MAX;

	buf_add_str(in, T("000000001") "a\n" T("000000002"));
	buf_reserve(in, len + 100);
	for (size_t i = 0; i < len; i++)
		in->data[in->len++] = (char)('a' + i % 23);
	buf_add_str(in, "\n" T("000000003") "y\n");
}

static void reader_goes_on_inside_a_long_line(void **state)
{
	_cleanup_(buf_done) struct buf in = BUF_INIT;
	_cleanup_(buf_done) struct buf whole = BUF_INIT;
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(log_reader_done) struct log_reader once, cut, later;

	(void)state;
	make_long(&in);
	init_reader(&once, (struct log_position){ 0 }, &whole);
	feed(&once, in.data, in.len);
	assert_int_equal(whole.len, in.len - 3 * strlen(T("000000001")));

	/* cut twice, the second time before it has come as far as the first time */
	init_reader(&cut, (struct log_position){ 0 }, &text);
	feed(&cut, in.data, in.len - 500000);
	size_t before = text.len;
	assert_true(before > 2 * LOG_READER_LINE_MAX);
	log_reader_begin(&cut);
	feed(&cut, in.data, LOG_READER_LINE_MAX + 200000);
	assert_int_equal(text.len, before);
	/* and a new daemon begins where the spool says */
	init_reader(&later, cut.pos, &text);
	feed(&later, in.data, in.len);
	assert_int_equal(text.len, whole.len);
	assert_memory_equal(text.data, whole.data, whole.len);
	assert_int_equal(later.pos.last_ns, S45 + 3);
	assert_int_equal(later.pos.part, 0);
	/* it was the first line that the kubelet still serves: nothing is missing */
	buf_reset(&text);
	log_reader_done(&later);
	init_reader(&later, cut.pos, &text);
	feed(&later, in.data + strlen(T("000000001") "a\n"), in.len - strlen(T("000000001") "a\n"));
	assert_int_equal(text.len, whole.len - before);
}

static void reader_ends_a_long_line_that_is_lost(void **state)
{
	_cleanup_(buf_done) struct buf in = BUF_INIT;
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(log_reader_done) struct log_reader r;
	const char *next = T("000000009") "z\n";

	(void)state;
	make_long(&in);
	init_reader(&r, (struct log_position){ 0 }, &text);
	feed(&r, in.data, in.len - 500000);
	buf_reset(&text);
	log_reader_begin(&r);
	feed(&r, next, strlen(next));
	assert_string_equal(buf_str(&text), "\n<2..9>z\n");
	assert_int_equal(r.pos.part, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_from_the_start_gives_whole_lines),
		cmocka_unit_test(reader_drops_what_was_read),
		cmocka_unit_test(reader_compares_times_not_texts),
		cmocka_unit_test(reader_tells_of_a_gap_once_and_in_place),
		cmocka_unit_test(reader_gives_a_line_again_rather_than_never),
		cmocka_unit_test(reader_keeps_the_kubelets_text_apart),
		cmocka_unit_test(reader_finish_gives_the_last_line),
		cmocka_unit_test(reader_passes_endless_lines_on),
		cmocka_unit_test(reader_goes_on_inside_a_long_line),
		cmocka_unit_test(reader_ends_a_long_line_that_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
