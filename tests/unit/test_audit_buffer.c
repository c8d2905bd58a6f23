/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sidecar/buffer.c, buffer_reader.c: the stream of lines over kills, bounds and full
 * disks.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/buffer.h"
#include "sidecar/buffer_reader.h"
#include "tests/unit/audit_buffer_fixture.h"

static struct buffer_reader *open_reader(uint64_t after)
{
	struct buffer_reader *r = NULL;
	struct error e = ERROR_INIT;

	if (buffer_reader_open(dir, after, &r, &e) < 0)
		fail_msg("%s", e.text);
	return r;
}

/* All there is, until its end or an error, which is returned. */
static int read_all(struct buffer_reader *r, struct buf *out)
{
	struct buffer_chunk chunk;
	int n;

	while ((n = buffer_reader_next(r, &chunk, NULL)) > 0)
		buf_add(out, chunk.lines, chunk.len);
	return n;
}

static void expect_rest(uint64_t after, const char *text)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct buffer_reader *r = open_reader(after);

	assert_int_equal(read_all(r, &out), 0);
	assert_string_equal(buf_str(&out), text);
	buffer_reader_close(r);
}

static void buffer_append_then_read_from_any_byte(void **state)
{
	struct buffer *b = open_buffer(NULL);
	struct buffer_reader *r = open_reader(0);
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(read_all(r, &out), 0); /* before there is anything */
	append(b, "one\n");
	append(b, "two\nthree\n");
	assert_int_equal(read_all(r, &out), 0);
	assert_string_equal(buf_str(&out), "one\ntwo\nthree\n");
	assert_int_equal(buffer_reader_place(r), 14);
	append(b, "four\n");
	assert_int_equal(read_all(r, &out), 0);
	assert_string_equal(buf_str(&out), "one\ntwo\nthree\nfour\n");
	buffer_reader_close(r);
	for (uint64_t at = 0; at <= 19; at++)
		expect_rest(at, "one\ntwo\nthree\nfour\n" + at);
	buffer_close(b);
}

static void buffer_reader_counts_records_before(void **state)
{
	struct buffer *b = open_buffer(NULL);
	struct buffer_chunk chunk;

	(void)state;
	append(b, "one\n");
	assert_int_equal(append_len(b, "two\nthree\nfour\n", 15, 3, 0), 0);
	struct buffer_reader *r = open_reader(10); /* within "three" */
	assert_int_equal(buffer_reader_next(r, &chunk, NULL), 1);
	assert_int_equal(chunk.records, 3);
	assert_int_equal(chunk.count, 1);
	buffer_reader_seek(r, 4);
	assert_int_equal(buffer_reader_next(r, &chunk, NULL), 1);
	assert_int_equal(chunk.records, 1);
	assert_int_equal(chunk.count, 3);
	buffer_reader_close(r);
	buffer_close(b);
}

static void buffer_open_again_goes_on(void **state)
{
	struct buffer *b = open_buffer(NULL);
	_cleanup_(buf_done) struct buf last = BUF_INIT;
	struct buffer_state st;

	(void)state;
	append(b, "one\n");
	append(b, "two\n");
	buffer_close(b);
	b = open_buffer(&last);
	assert_string_equal(buf_str(&last), "one\ntwo\n");
	append(b, "three\n");
	buffer_state(b, &st);
	assert_int_equal(st.end, 14);
	assert_int_equal(st.end_record, 3);
	buffer_close(b);
	expect_rest(0, "one\ntwo\nthree\n");
}

/* A frame of which only a part was written, at each length it may have. */
static void buffer_open_cuts_torn_frame_at_any_byte(void **state)
{
	char path[64];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/0000000000000000.seg", dir);
	struct buffer *b = open_buffer(NULL);
	append(b, "whole\n");
	assert_int_equal(stat(path, &st), 0);
	off_t whole = st.st_size;
	append(b, "torn\n");
	assert_int_equal(stat(path, &st), 0);
	buffer_close(b);
	for (off_t len = st.st_size - 1; len >= whole; len--) {
		assert_int_equal(truncate(path, len), 0);
		expect_rest(0, "whole\n"); /* a reader sees nothing of it */
	}
	for (int fill = 0; fill <= 255; fill += 51) {
		char junk[64];
		int fd = open(path, O_WRONLY | O_APPEND);

		memset(junk, fill, sizeof(junk));
		assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
		close(fd);
		b = open_buffer(NULL);
		buffer_close(b);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, whole);
	}
	b = open_buffer(NULL);
	append(b, "more\n");
	buffer_close(b);
	expect_rest(0, "whole\nmore\n");
}

static void buffer_flipped_bit_is_seen(void **state)
{
	char path[64];
	struct buffer *b = open_buffer(NULL);
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	append(b, "one\n");
	append(b, "two\n");
	buffer_close(b);
	snprintf(path, sizeof(path), "%s/0000000000000000.seg", dir);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "O", 1,
				sizeof(struct segment_head) + sizeof(struct segment_frame)),
			 1);
	close(fd);
	struct buffer_reader *r = open_reader(0);
	assert_int_equal(read_all(r, &out), 0);
	assert_int_equal(out.len, 0);
	buffer_reader_close(r);
}

static void count_bytes(void *arg, const char *lines, size_t len)
{
	(void)lines;
	*(uint64_t *)arg += len;
}

static void buffer_full_drops_oldest_and_tells(void **state)
{
	struct buffer *b = open_buffer(NULL);
	struct buffer_reader *slow = open_reader(0);
	struct buffer_state st;
	struct buffer_chunk chunk;
	uint64_t dropped = 0, place;

	(void)state;
	buffer_on_drop(b, count_bytes, &dropped);
	for (int i = 0; i < 40; i++) {
		fill_block((char)('A' + i));
		assert_int_equal(append_len(b, block, sizeof(block), 1, (uint64_t)i), 0);
		buffer_state(b, &st);
		assert_true(st.size <= MAX);
	}
	assert_true(dropped > 0);
	assert_int_equal(st.oldest, dropped);
	assert_int_equal(st.end, 40 * sizeof(block));
	assert_int_equal(st.end_record - st.oldest_record, (st.end - st.oldest) / sizeof(block));
	/* A reader that came before the drop is told, and goes on where there is something. */
	assert_int_equal(buffer_reader_next(slow, &chunk, NULL), -ESTALE);
	assert_int_equal(buffer_reader_skip(slow, &place, NULL), 0);
	assert_int_equal(place, st.oldest);
	assert_int_equal(buffer_reader_next(slow, &chunk, NULL), 1);
	assert_int_equal(chunk.offset, st.oldest);
	assert_int_equal(chunk.records, st.oldest_record);
	buffer_reader_close(slow);
	buffer_close(b);
}

/* In the middle of a segment that is dropped under it. */
static void buffer_reader_overtaken_midway_is_told(void **state)
{
	struct buffer *b = open_buffer(NULL);
	struct buffer_reader *r = open_reader(0);
	struct buffer_chunk chunk;
	int n;

	(void)state;
	fill_block('x');
	for (int i = 0; i < 2; i++)
		assert_int_equal(append_len(b, block, sizeof(block), 1, 0), 0);
	assert_int_equal(buffer_reader_next(r, &chunk, NULL), 1);
	for (int i = 0; i < 40; i++)
		assert_int_equal(append_len(b, block, sizeof(block), 1, 0), 0);
	/* What it has in hand it may read on; then it is told. */
	while ((n = buffer_reader_next(r, &chunk, NULL)) > 0)
		assert_int_equal(chunk.offset + chunk.len, buffer_reader_place(r));
	assert_int_equal(n, -ESTALE);
	buffer_reader_close(r);
	buffer_close(b);
}

/* What a reader has seen of a writer that is killed at any moment is there afterwards. */
static void buffer_survives_kill_in_the_middle_of_writes(void **state)
{
	(void)state;
	uint64_t expected = 0;
	for (int round = 0; round < 12; round++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct buffer *b = open_buffer(NULL);
			struct buffer_state st;

			buffer_state(b, &st);
			for (uint64_t n = st.end_record;; n++) {
				char line[300];
				int len = snprintf(line, sizeof(line), "%0250llu\n",
						   (unsigned long long)n);
				if (append_len(b, line, (size_t)len, 1, n) < 0)
					_exit(1);
			}
		}
		usleep(3000 + 1000 * (useconds_t)round);
		kill(pid, SIGKILL);
		int status;
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		struct buffer *b = open_buffer(NULL);
		struct buffer_state st;
		buffer_state(b, &st);
		assert_true(st.end_record >= expected);
		assert_int_equal(st.end, st.end_record * 251);
		expected = st.end_record;
		buffer_close(b);
	}
	struct buffer_reader *r = open_reader(BUFFER_READER_OLDEST);
	struct buffer_chunk chunk;
	uint64_t n = buffer_reader_place(r) / 251;
	while (buffer_reader_next(r, &chunk, NULL) > 0)
		for (size_t at = 0; at < chunk.len; at += 251)
			assert_int_equal(strtoull(chunk.lines + at, NULL, 10), n++);
	assert_int_equal(n, expected);
	assert_true(expected > 100);
	buffer_reader_close(r);
}

/* A reader beside a writer: each byte once, in order, also over the ends of segments. */
static void buffer_reader_beside_writer_sees_each_byte(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		struct buffer *b = open_buffer(NULL);

		for (int n = 0; n < 3000; n++) { /* below the bound: nothing is dropped */
			char line[300];
			int len = snprintf(line, sizeof(line), "%0250d\n", n);

			if (append_len(b, line, (size_t)len, 1, 0) < 0)
				_exit(1);
		}
		_exit(0);
	}
	struct buffer_reader *r = open_reader(0);
	struct buffer_chunk chunk;
	int status;
	uint64_t n = 0;
	bool ended = false;
	while (n < 3000) {
		int got = buffer_reader_next(r, &chunk, NULL);
		assert_true(got >= 0);
		for (size_t at = 0; got > 0 && at < chunk.len; at += 251)
			assert_int_equal(strtoull(chunk.lines + at, NULL, 10), n++);
		if (got == 0 && ended)
			fail_msg("the writer has ended, the reader has %d", (int)n);
		if (got == 0)
			ended = waitpid(pid, &status, WNOHANG) == pid;
	}
	buffer_reader_close(r);
	if (!ended)
		waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void buffer_disk_full_of_itself_drops_oldest(void **state)
{
	struct buffer_state st;

	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, "size=512k") < 0)
		skip();
	struct buffer *b = open_buffer(NULL);
	fill_block('x');
	for (int i = 0; i < 20; i++)
		assert_int_equal(append_len(b, block, sizeof(block), 1, 0), 0);
	buffer_state(b, &st);
	assert_true(st.size < 512 << 10); /* what the disk takes, not what is allowed */
	assert_true(st.oldest > 0);
	buffer_close(b);
	umount(dir);
}

/* Somebody else has taken the disk: what is there stays, what comes fails until there is room. */
static void buffer_disk_full_of_others_fails_whole(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, "size=512k") < 0)
		skip();
	char path[64];
	snprintf(path, sizeof(path), "%s/other", dir);
	struct buffer *b = open_buffer(NULL);
	append(b, "kept\n");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, 4096) > 0)
		;
	assert_int_equal(append_len(b, block, sizeof(block), 1, 0), -ENOSPC);
	assert_int_equal(append_len(b, block, sizeof(block), 1, 0), -ENOSPC);
	expect_rest(0, "kept\n");
	assert_int_equal(ftruncate(fd, 0), 0);
	append(b, "again\n");
	expect_rest(0, "kept\nagain\n");
	close(fd);
	buffer_close(b);
	umount(dir);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(buffer_append_then_read_from_any_byte),
		T(buffer_reader_counts_records_before),
		T(buffer_open_again_goes_on),
		T(buffer_open_cuts_torn_frame_at_any_byte),
		T(buffer_flipped_bit_is_seen),
		T(buffer_full_drops_oldest_and_tells),
		T(buffer_reader_overtaken_midway_is_told),
		T(buffer_survives_kill_in_the_middle_of_writes),
		T(buffer_reader_beside_writer_sees_each_byte),
		T(buffer_disk_full_of_itself_drops_oldest), /* these leave the mount namespace */
		T(buffer_disk_full_of_others_fails_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
