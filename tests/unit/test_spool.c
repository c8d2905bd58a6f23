/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/spool.c: positions that survive, torn records, kills, the bound. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/logs/spool.h"
#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "tests/unit/spool_fixture.h"

static void spool_append_then_read_gives_bytes(void **state)
{
	struct spool *s = open_spool(NULL);
	struct spool_reader *r = open_reader(s);
	off_t offset = 0;
	struct stat st;

	(void)state;
	assert_int_equal(spool_size(s), 0);
	assert_string_equal(read_on(r, &offset, 100), "");
	append(s, "one\ntwo\n", 5);
	assert_int_equal(spool_size(s), 8);
	assert_string_equal(read_on(r, &offset, 3), "one\ntwo\n");
	append(s, "three\n", 6);
	assert_string_equal(read_on(r, &offset, 100), "three\n");
	assert_int_equal(spool_reader_read(r, (char[1]){ 0 }, 1, -1), -EINVAL);
	assert_true(spool_changed_ns(s) > clock_realtime_ns() - 60 * CLOCK_NS_PER_S);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(pos_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	spool_reader_free(r);
	spool_unref(s);
}

static void spool_open_again_goes_on_at_position(void **state)
{
	struct spool *s = open_spool(NULL);
	struct log_position pos;
	off_t offset = 0;

	(void)state;
	append(s, "one\n", 41);
	append(s, "two\n", 42);
	spool_unref(s);
	s = open_spool(&pos);
	assert_string_equal(pos.container_id, "containerd://abc");
	assert_int_equal(pos.last_ns, 42);
	assert_int_equal(pos.same, 1);
	append(s, "three\n", 43);
	struct spool_reader *r = open_reader(s);
	assert_string_equal(read_on(r, &offset, 100), "one\ntwo\nthree\n");
	spool_reader_free(r);
	spool_unref(s);
}

/* Killed between the bytes and their record. */
static void spool_open_bytes_without_record_are_cut(void **state)
{
	struct spool *s = open_spool(NULL);
	struct log_position pos;
	struct stat st;

	(void)state;
	append(s, "one\n", 1);
	spool_unref(s);
	int fd = open(log_path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "never counted\n", 14), 14);
	close(fd);
	s = open_spool(&pos);
	assert_int_equal(spool_size(s), 4);
	assert_int_equal(pos.last_ns, 1);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(st.st_size, 4);
	spool_unref(s);
}

static void damage(off_t at)
{
	int fd = open(pos_path, O_WRONLY);

	assert_int_equal(pwrite(fd, "XX", 2, at), 2);
	close(fd);
}

/* Two appends: records 1 and 2, of which number 2 is in slot 0. */
static void spool_open_torn_record_uses_the_one_before(void **state)
{
	struct spool *s = open_spool(NULL);
	struct log_position pos;

	(void)state;
	append(s, "one\n", 1);
	append(s, "two\n", 2);
	spool_unref(s);
	damage(40);
	s = open_spool(&pos);
	assert_int_equal(pos.last_ns, 1);
	assert_int_equal(spool_size(s), 4);
	/* The next record goes over the torn one. */
	append(s, "TWO\n", 3);
	spool_unref(s);
	s = open_spool(&pos);
	assert_int_equal(pos.last_ns, 3);
	assert_int_equal(spool_size(s), 8);
	spool_unref(s);
}

static void spool_open_no_sound_record_begins_anew(void **state)
{
	struct spool *s = open_spool(NULL);
	struct log_position pos;

	(void)state;
	append(s, "one\n", 1);
	append(s, "two\n", 2);
	spool_unref(s);
	damage(40);
	damage(512 + 40);
	s = open_spool(&pos);
	assert_int_equal(pos.last_ns, 0);
	assert_string_equal(pos.container_id, "");
	assert_int_equal(spool_size(s), 0);
	spool_unref(s);
}

/* After a power failure: the record is there, its bytes are not. */
static void spool_open_bytes_missing_begins_anew(void **state)
{
	struct spool *s = open_spool(NULL);
	struct log_position pos;

	(void)state;
	append(s, "one\n", 1);
	spool_unref(s);
	assert_int_equal(truncate(log_path, 3), 0);
	s = open_spool(&pos);
	assert_int_equal(pos.last_ns, 0);
	assert_int_equal(spool_size(s), 0);
	spool_unref(s);
}

static void spool_open_bad_uid_is_refused(void **state)
{
	struct log_position pos;
	struct spool *s;

	(void)state;
	assert_int_equal(spool_open(dir, "../etc/x", SPOOL_LOGS, CAP, &s, &pos, NULL), -EINVAL);
	assert_int_equal(spool_open(dir, "", SPOOL_LOGS, CAP, &s, &pos, NULL), -EINVAL);
	assert_int_equal(mkdir(dir, 0700), 0); /* nothing was made */
}

static void spool_append_beyond_bound_drops_whole_lines(void **state)
{
	struct spool *s = open_spool(NULL);
	off_t offset = 0;
	struct stat st;

	(void)state;
	append_lines(s, 0, CAP / 16); /* exactly full */
	assert_int_equal(spool_size(s), CAP);
	append_lines(s, CAP / 16, 1);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(st.st_size, CAP);

	struct spool_reader *r = open_reader(s);
	off_t size = spool_size(s);
	const char *text = read_on(r, &offset, 1000);

	assert_int_equal(strlen(text), size);
	assert_int_equal(offset, size);
	/* A quarter and the line in hand, up to the end of a line. */
	const char *gap = "[weaverfs: gap byte 0 .. byte 1056]\nline 0000000066\n";
	assert_memory_equal(text, gap, strlen(gap));
	assert_string_equal(text + size - 16, "line 0000000256\n");
	spool_reader_free(r);
	spool_unref(s);

	/* The ring is read right after opening it again. */
	struct log_position pos;
	s = open_spool(&pos);
	assert_int_equal(pos.last_ns, 256);
	assert_int_equal(spool_size(s), size);
	r = open_reader(s);
	offset = 0;
	text = read_on(r, &offset, 77);
	assert_memory_equal(text, gap, strlen(gap));
	assert_string_equal(text + size - 16, "line 0000000256\n");
	spool_reader_free(r);
	spool_unref(s);
}

static void spool_append_huge_keeps_its_end(void **state)
{
	struct spool *s = open_spool(NULL);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	off_t offset = 0;

	(void)state;
	append_lines(s, 0, 3);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "huge %010d\n", i);
	append(s, buf_str(&b), 9);
	struct spool_reader *r = open_reader(s);
	const char *text = read_on(r, &offset, 333);
	assert_memory_equal(text, "[weaverfs: gap byte 0 .. byte 14000]\nhuge 0000000872\n", 53);
	assert_string_equal(text + strlen(text) - 16, "huge 0000000999\n");
	spool_reader_free(r);
	spool_unref(s);
}

static void spool_discard_removes_files_with_last_reference(void **state)
{
	struct spool *s = open_spool(NULL);
	struct spool_reader *r = open_reader(s);
	off_t offset = 0;

	(void)state;
	append(s, "last words\n", 1);
	spool_discard(s);
	spool_unref(s);
	assert_int_equal(access(log_path, F_OK), 0);
	assert_string_equal(read_on(r, &offset, 100), "last words\n");
	spool_reader_free(r);
	assert_int_equal(access(log_path, F_OK), -1);
	assert_int_equal(access(pos_path, F_OK), -1);
}

static void spool_open_without_directory_is_unnamed(void **state)
{
	struct log_position pos = { .last_ns = 7 };
	struct spool *s;
	off_t offset = 0;

	(void)state;
	assert_int_equal(spool_open("", UID, SPOOL_LOGS, CAP, &s, &pos, NULL), 0);
	assert_int_equal(pos.last_ns, 0);
	append_lines(s, 0, 3);
	struct spool_reader *r = open_reader(s);
	assert_int_equal(strlen(read_on(r, &offset, 100)), 48);
	spool_reader_free(r);
	spool_unref(s);
	assert_int_equal(mkdir(dir, 0700), 0); /* nothing was made */
}

/* RLIMIT_FSIZE stands for a full disk: the write is short or fails, and nothing else changes. */
static void spool_append_no_space_appends_nothing(void **state)
{
	struct spool *s = open_spool(NULL);
	struct log_position pos = { .last_ns = 2 };
	struct error e = ERROR_INIT;
	struct rlimit before, small;
	off_t offset = 0;

	(void)state;
	append_lines(s, 0, 100);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1605;
	setrlimit(RLIMIT_FSIZE, &small);
	int r = spool_append(s, "does not fit\n", 13, &pos, &e);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(r, -EFBIG);
	assert_non_null(strstr(e.text, UID));
	assert_int_equal(spool_size(s), 1600);
	append_lines(s, 100, 1);
	struct spool_reader *reader = open_reader(s);
	const char *text = read_on(reader, &offset, 1000);
	assert_int_equal(strlen(text), 1616);
	assert_string_equal(text + 1600, "line 0000000100\n");
	spool_reader_free(reader);
	spool_unref(s);
}

/* kill -9 of a writer at any instant: what counts is whole lines, as many as the position says. */
static void spool_open_after_kill_is_consistent(void **state)
{
	(void)state;
	for (int round = 0; round < 15; round++) {
		const struct timespec pause = { .tv_nsec = 1000000 + round * 700000 };
		struct log_position pos;
		struct spool *s = open_spool(&pos);
		pid_t pid = fork();

		if (pid == 0) {
			for (int i = (int)pos.last_ns + 1;; i++)
				append_lines(s, i, 1);
		}
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		spool_unref(s);

		s = open_spool(&pos);
		struct spool_reader *r = open_reader(s);
		off_t offset = 0;
		const char *text = read_on(r, &offset, 4000);
		const char *newline = strchr(text, '\n');
		int n;

		if (*text == '[')
			text = newline + 1;
		assert_int_equal(strlen(text) % 16, 0);
		int expect = -1;
		for (; *text; text += 16) {
			assert_int_equal(sscanf(text, "line %d\n", &n), 1);
			assert_true(expect < 0 || n == expect);
			expect = n + 1;
		}
		assert_true(expect < 0 || expect == pos.last_ns + 1);
		spool_reader_free(r);
		spool_unref(s);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(spool_append_then_read_gives_bytes),
		TEST(spool_open_again_goes_on_at_position),
		TEST(spool_open_bytes_without_record_are_cut),
		TEST(spool_open_torn_record_uses_the_one_before),
		TEST(spool_open_no_sound_record_begins_anew),
		TEST(spool_open_bytes_missing_begins_anew),
		TEST(spool_open_bad_uid_is_refused),
		TEST(spool_append_beyond_bound_drops_whole_lines),
		TEST(spool_append_huge_keeps_its_end),
		TEST(spool_discard_removes_files_with_last_reference),
		TEST(spool_open_without_directory_is_unnamed),
		TEST(spool_append_no_space_appends_nothing),
		TEST(spool_open_after_kill_is_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
