/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/spool_reader.c: what readers see while old bytes go. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/logs/spool.h"
#include "tests/unit/spool_fixture.h"

/* `tail -f`: the size never falls below where it stands, and no line is missing. */
static void spool_read_follower_at_end_sees_every_line(void **state)
{
	struct spool *s = open_spool(NULL);
	struct spool_reader *r = open_reader(s);
	off_t offset = 0, before = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char line[32];

		append_lines(s, i, 1);
		assert_true(spool_size(s) > before);
		before = spool_size(s);
		snprintf(line, sizeof(line), "line %010d\n", i);
		assert_string_equal(read_on(r, &offset, 100), line);
		assert_int_equal(offset, before);
	}
	/* Who comes later shares the size, begins with the gap line, finds the end by seeking. */
	struct spool_reader *late = open_reader(s), *seeker = open_reader(s);
	off_t late_offset = 0, seeker_offset = spool_size(s) - 16;
	const char *text = read_on(late, &late_offset, 999);
	int first = 0;
	off_t to = 0;

	assert_int_equal(sscanf(text, "[weaverfs: gap byte 0 .. byte %jd]\nline %d\n",
				(intmax_t *)&to, &first),
			 2);
	assert_int_equal(to, first * 16);
	assert_string_equal(text + strlen(text) - 16, "line 0000001999\n");
	assert_true(late_offset < spool_size(s));
	assert_string_equal(read_on(seeker, &seeker_offset, 100), "line 0000001999\n");
	append_lines(s, 2000, 1);
	assert_string_equal(read_on(late, &late_offset, 100), "line 0000002000\n");
	assert_string_equal(read_on(seeker, &seeker_offset, 100), "line 0000002000\n");
	spool_reader_free(r);
	spool_reader_free(late);
	spool_reader_free(seeker);
	/* With the last reader the size is again what there is. */
	assert_true(spool_size(s) <= CAP + 80);
	spool_unref(s);
}

static void spool_read_overtaken_in_a_line_gets_gap(void **state)
{
	struct spool *s = open_spool(NULL);
	struct spool_reader *r = open_reader(s);
	char text[40];
	off_t offset = 0;

	(void)state;
	append_lines(s, 0, 10);
	assert_int_equal(spool_reader_read(r, text, 20, 0), 20);
	offset = 20;
	append_lines(s, 10, 400);
	const char *rest = read_on(r, &offset, 512);
	int first = 0;
	long to = 0;

	assert_int_equal(sscanf(rest, "\n[weaverfs: gap byte 20 .. byte %ld]\nline %d\n", &to,
				&first),
			 2);
	assert_int_equal(to, first * 16);
	assert_string_equal(rest + strlen(rest) - 16, "line 0000000409\n");
	/* Back to what is gone: empty lines, as long as it was. */
	memset(text, 'x', sizeof(text));
	assert_int_equal(spool_reader_read(r, text, 20, 0), 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(text[i], '\n');
	spool_reader_free(r);
	spool_unref(s);
}

#define BOUND                                                                                      \
	"{\"event_type\":\"audit_lost\",\"details\":{\"stage\":\"weaverfs\",\"reason\":\"bound\","

/* In an audit trail every line is JSON, also that of a reader who was overtaken within one. */
static void spool_read_audit_gets_gap_in_json(void **state)
{
	struct log_position pos;
	struct spool *s;
	char text[20];
	off_t offset = 20, late_offset = 0;
	int first = 0;
	long to = 0;

	(void)state;
	assert_int_equal(spool_open(dir, UID, SPOOL_AUDIT, CAP, &s, &pos, NULL), 0);
	append_lines(s, 0, 10);
	struct spool_reader *r = open_reader(s);
	assert_int_equal(spool_reader_read(r, text, 20, 0), 20);
	append_lines(s, 10, 400);
	const char *rest = read_on(r, &offset, 512);
	assert_int_equal(sscanf(rest, "\n" BOUND "\"from\":20,\"to\":%ld}}\nline %d\n", &to,
				&first),
			 2);
	assert_int_equal(*rest, '\n');
	assert_int_equal(to, first * 16);
	spool_reader_free(r);
	r = open_reader(s);
	rest = read_on(r, &late_offset, 512);
	assert_int_equal(sscanf(rest, BOUND "\"from\":0,\"to\":%ld}}\nline %d\n", &to, &first), 2);
	assert_int_equal(to, first * 16);
	spool_reader_free(r);
	spool_unref(s);
}

/* What a follower made of it: "" is well. Its own thread must not fail a test. */
static char problem[256];

/* One line; *expect is the number of the next one, broken: the last one had no end. */
static void check_line(const char *line, long *expect, bool *broken)
{
	long n;

	if (sscanf(line, "[weaverfs: gap byte %*d .. byte %ld]", &n) == 1) {
		*expect = n / 16 + 1;
		*broken = false;
	} else if (*broken ||
		   strncmp("line ", line, strlen(line) - 1 < 5 ? strlen(line) - 1 : 5) != 0) {
		snprintf(problem, sizeof(problem), "%s", line);
	} else if (strlen(line) < 16) {
		*broken = true; /* overtaken in it: the gap line must follow */
	} else if (sscanf(line, "line %ld", &n) != 1 || n != (*expect)++) {
		snprintf(problem, sizeof(problem), "expected %ld: %s", *expect - 1, line);
	}
}

static void *follow(void *data)
{
	struct spool_reader *r = open_reader(data);
	char text[700], line[128];
	off_t offset = 0;
	size_t have = 0;
	long expect = 1;
	bool broken = false;

	while (expect <= 20000 && !*problem) {
		ssize_t n = spool_reader_read(r, text, sizeof(text), offset);

		if (n < 0)
			snprintf(problem, sizeof(problem), "read: %zd", n);
		for (ssize_t i = 0; i < n; i++) {
			line[have++] = text[i];
			if (text[i] != '\n' && have < sizeof(line) - 1)
				continue;
			line[have] = '\0';
			have = 0;
			check_line(line, &expect, &broken);
		}
		offset += n;
	}
	spool_reader_free(r);
	return NULL;
}

/* Overtaken or not, a reader on another thread sees whole lines in order, gaps said. */
static void spool_read_against_writer_is_in_order(void **state)
{
	struct spool *s = open_spool(NULL);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, follow, s), 0);
	append_lines(s, 1, 20000);
	pthread_join(thread, NULL);
	assert_string_equal(problem, "");
	spool_unref(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(spool_read_follower_at_end_sees_every_line),
		TEST(spool_read_overtaken_in_a_line_gets_gap),
		TEST(spool_read_audit_gets_gap_in_json),
		TEST(spool_read_against_writer_is_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
