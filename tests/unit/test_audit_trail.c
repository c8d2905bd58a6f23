/* SPDX-License-Identifier: Apache-2.0 */
/* tools/trail.c on what sidecar/pipeline.c writes: whole when it is, and each hole is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/buffer_reader.h"
#include "sidecar/pipeline.h"
#include "sidecar/settings.h"
#include "tests/unit/audit_fixture.h"
#include "tools/trail.c"

static char dir[32];
static struct buf whole; /* two runs; in the first two records are lost */
static char holes[4096];
static struct trail_sums sums;

static void write_run(const struct settings *settings, unsigned lose)
{
	const struct report_scope scope = { .pod = "pod1" };
	static union audit_event record;
	static struct stats stats;
	struct pipeline *p = NULL;

	stats_init(&stats);
	assert_int_equal(pipeline_new(settings, &stats, STDOUT_FILENO, &p, NULL), 0);
	pipeline_begin(p, &scope, clock_realtime_ns());
	for (unsigned i = 0; i < 1000; i++) {
		struct event *ev = audit_make(&record, EVENT_FILE_OPEN, i / 2);

		ev->cpu = i % 2;
		if (i >= 500 && i < 500 + 2 * lose && i % 2)
			continue;
		pipeline_event(ev, p);
		if (i % 100 == 99)
			pipeline_turn(p, clock_realtime_ns(), NULL, NULL);
	}
	if (lose) {
		struct event *ev = audit_make(&record, EVENT_LOST, 0);

		ev->cpu = 1;
		ev->lost.count = lose;
		pipeline_event(ev, p);
	}
	assert_int_equal(pipeline_end(p, clock_realtime_ns(), NULL, NULL), 0);
	pipeline_free(p);
	stats_done(&stats);
}

static int setup(void **state)
{
	struct settings settings;
	struct buffer_reader *r;
	struct buffer_chunk chunk;

	(void)state;
	strcpy(dir, "/tmp/audit_trail.XXXXXX");
	setenv("LOOM_AUDIT_BUFFER_PATH", audit_directory(dir), 1);
	setenv("LOOM_AUDIT_STDOUT_BYTES", "0", 1);
	assert_int_equal(settings_load(&settings, NULL), 0);
	write_run(&settings, 2);
	write_run(&settings, 0);
	assert_int_equal(buffer_reader_open(dir, 0, &r, NULL), 0);
	while (buffer_reader_next(r, &chunk, NULL) > 0)
		buf_add(&whole, chunk.lines, chunk.len);
	buffer_reader_close(r);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&whole);
	audit_remove(dir);
	return 0;
}

static void note(void *arg, const char *text)
{
	size_t len = strlen(holes);

	(void)arg;
	snprintf(holes + len, sizeof(holes) - len, "%s\n", text);
}

static void read_trail(const char *text, size_t len)
{
	struct trail *t = trail_new(note, NULL);
	const char *end = text + len, *newline;

	holes[0] = '\0';
	for (; (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1)
		trail_line(t, text, (size_t)(newline + 1 - text));
	trail_line(t, text, (size_t)(end - text));
	trail_end(t, &sums);
	trail_free(t);
}

/* The trail without [from, to), with other bytes in its place. */
static void read_changed(const char *from, const char *to, const char *other)
{
	struct buf b = BUF_INIT;

	buf_add(&b, whole.data, (size_t)(from - whole.data));
	buf_add_str(&b, other);
	buf_add_str(&b, to);
	read_trail(b.data, b.len);
	buf_done(&b);
}

/* The n-th line that has this. */
static char *line_with(const char *what, unsigned n, char **ret_end)
{
	char *at = strstr(whole.data, what);

	for (; n > 1 && at; n--)
		at = strstr(at + 1, what);
	assert_non_null(at);
	*ret_end = strchr(at, '\n') + 1;
	while (at > whole.data && at[-1] != '\n')
		at--;
	return at;
}

static void trail_whole(void **state)
{
	(void)state;
	read_trail(whole.data, whole.len);
	assert_string_equal(holes, "");
	assert_int_equal(sums.runs, 2);
	assert_int_equal(sums.gaps, 1);
	assert_int_equal(sums.holes, 0);
	assert_int_equal(sums.open, 0);
	assert_true(sums.ended);
	assert_true(sums.batches > 4);
}

static void trail_cut_short_is_whole_but_open(void **state)
{
	char *end, *at = line_with("\"end\":true", 1, &end);

	(void)state;
	read_trail(whole.data, (size_t)(at - whole.data) + 10);
	assert_string_equal(holes, "");
	assert_false(sums.ended);
	assert_true(sums.open > 0);
}

static void trail_from_the_middle_is_whole(void **state)
{
	char *end, *at = line_with("audit_batch", 2, &end);

	(void)state;
	read_trail(end, strlen(end));
	assert_string_equal(holes, "");
	read_trail(at - 100, strlen(at - 100) - 0); /* within a line: that is no JSON */
	assert_non_null(strstr(holes, "line 1: "));
	assert_int_equal(sums.holes, 1);
}

static void trail_line_taken_out(void **state)
{
	char *end, *at = line_with("\"file_open\"", 500, &end);

	(void)state;
	read_changed(at, end, "");
	assert_non_null(strstr(holes, ": its lines are not those that were written\n"));
	assert_non_null(strstr(holes, " lines were written up to number "));
	assert_int_equal(sums.holes, 2);
}

static void trail_byte_changed(void **state)
{
	char *end, *at = line_with("\"file_open\"", 700, &end);
	char *pid = strstr(at, "\"pid\":4711");

	(void)state;
	read_changed(pid, pid + 10, "\"pid\":4712");
	assert_int_equal(sums.holes, 1);
	assert_non_null(strstr(holes, ": its lines are not those that were written\n"));
}

static void trail_line_put_in(void **state)
{
	char *end, *at = line_with("\"file_open\"", 300, &end);
	char copy[2000] = "";

	(void)state;
	memcpy(copy, at, (size_t)(end - at));
	read_changed(end, end, copy);
	assert_non_null(strstr(holes, "is there twice"));
	assert_non_null(strstr(holes, ": its lines are not those that were written\n"));
}

static void read_numbers(const int *numbers, size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "{\"event_type\":\"file_open\",\"seq\":[3,0,%d],\"x\":0}\n",
			   numbers[i]);
	read_trail(b.data, b.len);
	buf_done(&b);
}

/* A probe that was interrupted. */
static void trail_number_comes_late_whole(void **state)
{
	(void)state;
	read_numbers((const int[]){ 7, 9, 10, 8, 11, 20, 19, 18, 12 }, 9);
	assert_string_equal(holes, "");
}

static void trail_number_comes_twice_or_long_after_hole(void **state)
{
	(void)state;
	read_numbers((const int[]){ 7, 8, 9, 8 }, 4);
	assert_string_equal(holes, "line 4: number 8 of cpu 3 ring 0 is there twice, up to 9\n");
	read_numbers((const int[]){ 7, 9, 8, 8 }, 4);
	assert_string_equal(holes, "line 4: number 8 of cpu 3 ring 0 is there twice, up to 9\n");
	read_numbers((const int[]){ 7, 9000, 8 }, 3);
	assert_string_equal(holes, "line 3: number 8 of cpu 3 ring 0 comes long after 9000\n");
}

static void trail_batch_taken_out(void **state)
{
	char *end, *next, *from = line_with("audit_batch", 2, &end);

	(void)state;
	(void)from;
	line_with("audit_batch", 3, &next);
	read_changed(end, next, "");
	assert_string_equal(holes, "between batch 2 and batch 4: what was there is missing\n");
}

static void trail_gap_of_weaverfs_is_named(void **state)
{
	char *end, *from = line_with("\"file_open\"", 400, &end), *to;

	(void)state;
	line_with("\"file_open\"", 450, &to);
	read_changed(from, to, "[weaverfs: gap byte 5 .. byte 9]\n");
	assert_non_null(strstr(holes, ": [weaverfs: gap byte 5 .. byte 9]\n"));
	assert_int_equal(sums.holes, 1);
	read_changed(from, to,
		     "{\"event_type\":\"audit_lost\",\"details\":{\"stage\":\"weaverfs\","
		     "\"reason\":\"bound\",\"from\":5,\"to\":9}}\n");
	assert_non_null(strstr(holes, "\"reason\":\"bound\""));
	assert_int_equal(sums.holes, 1);
}

static void trail_loss_not_reported(void **state)
{
	char *end, *at = line_with("\"count\":2,", 1, &end);
	char *count = strstr(at, "\"count\":2");

	(void)state;
	/* In the last run alone is it told at the end; this is the first, so cut there. */
	char *stop, saved;
	line_with("\"end\":true", 1, &stop);
	saved = *stop;
	*stop = '\0';
	read_changed(count, count + 9, "\"count\":1");
	*stop = saved;
	assert_non_null(
		strstr(holes, "cpu 1 ring 0: 2 records are missing, 1 are reported as lost"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trail_whole),
		cmocka_unit_test(trail_cut_short_is_whole_but_open),
		cmocka_unit_test(trail_from_the_middle_is_whole),
		cmocka_unit_test(trail_line_taken_out),
		cmocka_unit_test(trail_byte_changed),
		cmocka_unit_test(trail_line_put_in),
		cmocka_unit_test(trail_number_comes_late_whole),
		cmocka_unit_test(trail_number_comes_twice_or_long_after_hole),
		cmocka_unit_test(trail_batch_taken_out),
		cmocka_unit_test(trail_gap_of_weaverfs_is_named),
		cmocka_unit_test(trail_loss_not_reported),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
