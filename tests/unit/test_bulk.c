/* SPDX-License-Identifier: Apache-2.0 */
/* fs/life/bulk.c: lines in any pieces, 64 at a time, results in order, and readers that wait. */
#include "tests/unit/creation_fixture.h"

#include "fs/life/bulk.h"
#include "fs/task.h"
#include "tests/unit/fake_fuse.h"

static const struct caller caller = { .uid = 1000, .gid = 1 };

static void write_text(struct bulk *b, const char *text, int code)
{
	assert_int_equal(bulk_write(b, text, strlen(text), NULL), -code);
	fake_run();
}

static void read_text(struct bulk *b, struct fuse_req *r, size_t size)
{
	*r = (struct fuse_req){ 0 };
	bulk_read(b, r, size);
	fake_run();
}

/* The server takes the oldest POST, and the watch tells of its pod under that name. */
static void make(const char *name)
{
	char pod[80];

	assert_non_null(strstr(fake_request()->body, name));
	world_posted_name(fake_request(), pod);
	world_answer(fake_request(), 201, 0, false, "", "{}");
	world_seen(pod, name, name, "1", 1000);
	fake_run();
}

static void release(struct bulk *b)
{
	bulk_free(b);
	fake_run();
}

static void results_come_in_order_when_all_are_there(void **state)
{
	struct bulk *b = bulk_new(&fs, &caller);
	struct fuse_req r;

	(void)state;
	world_seen("weaver-x", "taken", "taken", "1", 1);
	write_text(b, "on", 0);
	assert_int_equal(fake_requests_out(), 0);
	write_text(b, "e\n\nA_B\ntaken\nx none\ntw", 0);
	assert_int_equal(fake_requests_out(), 1);
	write_text(b, "o", 0);
	read_text(b, &r, 4096); /* the last line needs no newline */
	assert_int_equal(fake_requests_out(), 2);
	make("one");
	assert_int_equal(r.answers, 0);
	make("two");
	assert_int_equal(r.answers, 1);
	assert_string_equal(
		r.text, "one ok\nA_B EINVAL a weaver's name is made of a-z, 0-9 and -, with a "
			"letter or digit at both ends\ntaken EEXIST there is a weaver with this "
			"name\nx ENOENT no draft none\ntwo ok\n");
	read_text(b, &r, 4096);
	assert_string_equal(r.text, ""); /* EOF */
	write_text(b, "more\n", EINVAL);
	release(b);
	assert_true(list_empty(&fs.tasks));
}

static void nonsense_fails_the_write_as_a_whole(void **state)
{
	struct bulk *b = bulk_new(&fs, &caller);
	char longest[400];
	struct fuse_req r;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	write_text(b, "a", 0);
	write_text(b, "b\nc d e\n", EINVAL);
	write_text(b, longest, EINVAL);
	assert_int_equal(fake_requests_out(), 0);
	write_text(b, "\n", 0);
	make("a");
	read_text(b, &r, 3);
	assert_string_equal(r.text, "a o");
	read_text(b, &r, 4096);
	assert_string_equal(r.text, "k\n");
	release(b);
}

static void drafts_are_their_makers(void **state)
{
	struct bulk *b = bulk_new(&fs, &caller);
	struct drafts_view v;
	struct fuse_req r;

	(void)state;
	assert_int_equal(drafts_make(fs.drafts, "mine", 1000, 1, 0700, &v, NULL), 0);
	drafts_view_done(&v);
	assert_int_equal(drafts_make(fs.drafts, "theirs", 1001, 1, 0700, &v, NULL), 0);
	drafts_view_done(&v);
	write_text(b, "a theirs\nb mine\n", 0);
	make("b");
	read_text(b, &r, 4096);
	assert_memory_equal(r.text, "a EACCES ", 9);
	assert_non_null(strstr(r.text, "\nb ok\n"));
	assert_int_equal(drafts_lookup(fs.drafts, "mine", &v), 0); /* a copy was used */
	drafts_view_done(&v);
	release(b);
}

static void at_most_64_at_a_time_also_when_nobody_reads(void **state)
{
	struct bulk *b = bulk_new(&fs, &caller);
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char name[16];

	(void)state;
	config.max_concurrent = 1000;
	for (int i = 100; i < 170; i++)
		buf_printf(&text, "w%d\n", i);
	write_text(b, buf_str(&text), 0);
	assert_int_equal(fake_requests_out(), 64);
	release(b);
	for (int i = 100; i < 170; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		make(name);
	}
	assert_int_equal(world_n, 70);
	assert_true(list_empty(&fs.tasks)); /* and it is gone */
}

static void waiting_ends_by_a_signal_and_at_the_end(void **state)
{
	struct bulk *b = bulk_new(&fs, &caller);
	struct fuse_req r;

	(void)state;
	write_text(b, "a\nb\n", 0);
	read_text(b, &r, 4096);
	assert_non_null(r.func);
	r.func(&r, r.data);
	fake_run();
	assert_int_equal(r.error, EINTR);
	make("a");
	read_text(b, &r, 4096);
	assert_int_equal(r.answers, 0);
	task_cancel_all(&fs.tasks); /* as parts_stop() does */
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.error, EIO);
	creation_cancel_all(&create);
	fs.create = NULL;
	bulk_free(b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(results_come_in_order_when_all_are_there),
		TEST(nonsense_fails_the_write_as_a_whole),
		TEST(drafts_are_their_makers),
		TEST(at_most_64_at_a_time_also_when_nobody_reads),
		TEST(waiting_ends_by_a_signal_and_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
