/* SPDX-License-Identifier: Apache-2.0 */
/* fs/stream/stream.c: when reads and polls of a stream are answered, with a kind of our own. */
#include "tests/unit/stream_fixture.h"

static struct {
	const char *text; /* what the next fill() appends; NULL: nothing */
	int code;         /* what it fails with */
	bool end;
	int64_t wake_at_ns;
	int open_code;
	int opens, closes, fills;
	struct stream_source seen; /* but for w */
	char name[REGISTRY_NAME_MAX];
} kind;

static int kind_open(const struct stream_source *source, void *state, struct error *e)
{
	(void)source;
	for (size_t i = 0; i < STREAM_STATE_SIZE; i++)
		assert_int_equal(((char *)state)[i], 0);
	memset(state, 1, STREAM_STATE_SIZE);
	kind.opens++;
	return kind.open_code ? error_set(e, kind.open_code, "no") : 0;
}

static int kind_fill(const struct stream_source *source, void *state, struct buf *out,
		     enum stream_more *ret_more, struct error *e)
{
	(void)state;
	kind.fills++;
	kind.seen = *source;
	snprintf(kind.name, sizeof(kind.name), "%s", source->w ? source->w->name : "");
	if (kind.code)
		return error_set(e, kind.code, "because");
	buf_add_str(out, kind.text);
	kind.text = NULL;
	*ret_more = kind.end ? STREAM_END : STREAM_MORE;
	return 0;
}

static void kind_close(const struct stream_source *source, void *state)
{
	(void)source;
	(void)state;
	kind.closes++;
}

static int64_t kind_wake_at(const struct stream_source *source, void *state)
{
	(void)source;
	(void)state;
	return kind.wake_at_ns;
}

static const struct stream_ops ops = { kind_open, kind_fill, kind_close, kind_wake_at };

static struct stream *begin(void)
{
	memset(&kind, 0, sizeof(kind));
	put("", "Running", RUNNING);
	return open_stream(OBJECT, &ops);
}

static void say(const char *text)
{
	kind.text = text;
	stream_wake(fs.streams, OBJECT);
}

static void stream_read_waits_for_a_wake(void **state)
{
	struct stream *f = begin();
	struct fuse_req a;

	(void)state;
	start_read(&a, f);
	assert_false(a.answered);
	assert_int_equal(kind.seen.want, 4096);
	assert_string_equal(kind.name, "fix-42");
	stream_wake(fs.streams, OBJECT + 1);
	stream_wake(fs.streams, OBJECT);
	assert_false(a.answered);
	say("one\n");
	assert_true(a.answered);
	assert_string_equal(a.text, "one\n");
	/* What nobody waits for is kept. */
	say("two\n");
	say("three\n");
	assert_string_equal(read_now(f), "two\nthree\n");
	close_stream(f);
	assert_int_equal(kind.closes, 1);
}

static void stream_open_by_id_is_woken_too(void **state)
{
	struct fuse_req a;

	(void)state;
	memset(&kind, 0, sizeof(kind));
	put("", "Running", RUNNING);
	struct stream *f = open_stream(ALIAS, &ops);
	start_read(&a, f);
	say("one\n");
	assert_true(a.answered);
	close_stream(f);
}

static void stream_open_of_the_gone_is_enoent(void **state)
{
	(void)state;
	memset(&kind, 0, sizeof(kind));
	assert_null(open_stream(OBJECT, &ops));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(kind.opens, 0);
}

static void stream_open_that_fails_leaves_nothing(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	memset(&kind, 0, sizeof(kind));
	kind.open_code = ENOSPC;
	put("", "Running", RUNNING);
	assert_null(open_stream(OBJECT, &ops));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(kind.closes, 0);
	errors_show(fs.errors, 0, true, &out);
	assert_non_null(strstr(out.data, "\topen\tfix-42/follow/x\tENOSPC\tno\n"));
	stream_wake(fs.streams, OBJECT);
	assert_int_equal(kind.fills, 0);
}

/* The answer gives -ENOENT when the opener was killed; no RELEASE comes then. */
static void stream_open_of_a_killed_caller_is_closed(void **state)
{
	(void)state;
	open_result = -ENOENT;
	begin();
	assert_int_equal(kind.closes, 1);
}

static void stream_read_in_small_pieces_keeps_the_rest(void **state)
{
	struct stream *f = begin();
	struct fuse_req a = { 0 };

	(void)state;
	kind.text = "123456";
	read_flags(&a, f, 4, 0);
	assert_string_equal(a.text, "1234");
	read_flags(&a, f, 4, 0);
	assert_string_equal(a.text, "56");
	close_stream(f);
}

static void stream_reads_of_one_open_are_answered_in_order(void **state)
{
	struct stream *f = begin();
	struct fuse_req a, b, c;

	(void)state;
	start_read(&a, f);
	start_read(&b, f);
	start_read(&c, f);
	say("one\n");
	assert_true(a.answered && !b.answered && !c.answered);
	kind.end = true;
	say("two\n");
	assert_string_equal(b.text, "two\n");
	assert_true(c.answered && c.len == 0);
	assert_string_equal(read_now(f), "");
	close_stream(f);
}

static void stream_read_ends_at_a_signal(void **state)
{
	struct stream *f = begin();
	struct fuse_req a, b = { .interrupted = true };

	(void)state;
	start_read(&a, f);
	interrupt(&a);
	assert_int_equal(a.error, EINTR);
	/* The signal was there before the read was parked. */
	read_flags(&b, f, 10, 0);
	assert_int_equal(b.error, EINTR);
	say("one\n");
	assert_string_equal(read_now(f), "one\n");
	close_stream(f);
}

static void stream_read_nonblocking_is_eagain(void **state)
{
	struct stream *f = begin();
	int64_t since_ns = fake_now_ns;

	(void)state;
	assert_int_equal(read_nonblock(f), EAGAIN);
	fake_advance(1000);
	assert_int_equal(read_nonblock(f), EAGAIN);
	assert_int_equal(kind.seen.reading_ns, since_ns); /* it waits all the same */
	say("one\n");
	assert_int_equal(read_nonblock(f), 0);
	close_stream(f);
}

static void stream_read_that_fails_is_said_and_asked_anew(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct stream *f = begin();
	struct fuse_req a, b;

	(void)state;
	start_read(&a, f);
	start_read(&b, f);
	kind.code = EIO;
	stream_wake(fs.streams, OBJECT);
	assert_int_equal(a.error, EIO);
	assert_int_equal(b.error, EIO);
	assert_true(poll_stream(f, NULL));
	errors_show(fs.errors, 0, true, &out);
	assert_non_null(strstr(out.data, "\tread\tfix-42/follow/x\tEIO\tbecause\n"));
	kind.code = 0;
	kind.text = "again\n";
	assert_string_equal(read_now(f), "again\n");
	assert_false(poll_stream(f, NULL));
	close_stream(f);
}

static void stream_timer_asks_again(void **state)
{
	struct stream *f = begin();
	struct fuse_req a;

	(void)state;
	kind.wake_at_ns = fake_now_ns + CLOCK_NS_PER_S;
	start_read(&a, f);
	kind.text = "late\n";
	fake_advance(999);
	assert_false(a.answered);
	kind.wake_at_ns += CLOCK_NS_PER_S;
	fake_advance(1);
	assert_true(a.answered);
	close_stream(f);
}

/* Each arrival is an edge, for who has asked since the last one. */
static void stream_poll_is_told_of_each_arrival(void **state)
{
	struct stream *f = begin();
	struct fuse_pollhandle first = { 0 }, second = { 0 }, third = { 0 }, last = { 0 };

	(void)state;
	assert_false(poll_stream(f, &first));
	assert_false(poll_stream(f, &second));
	assert_int_equal(first.destroyed, 1);
	assert_int_equal(first.notified, 0);
	say("one\n");
	assert_int_equal(second.notified, 1);
	assert_int_equal(second.destroyed, 1);
	assert_true(poll_stream(f, &third));
	stream_wake(fs.streams, OBJECT); /* nothing new */
	assert_int_equal(third.notified, 0);
	say("two\n");
	assert_int_equal(third.notified, 1);
	read_now(f);
	assert_false(poll_stream(f, &last));
	kind.end = true;
	stream_wake(fs.streams, OBJECT);
	assert_int_equal(last.notified, 1);
	assert_true(poll_stream(f, NULL));
	close_stream(f);
	assert_int_equal(last.destroyed, 1);
}

static void stream_unread_has_a_bound(void **state)
{
	static char chunk[4097];
	struct stream *f = begin();
	size_t got = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk) - 1);
	for (int i = 0; i < 100; i++)
		say(chunk);
	int fills = kind.fills;
	say(chunk);
	assert_int_equal(kind.fills, fills);
	kind.text = NULL;
	while (poll_stream(f, NULL))
		got += strlen(read_now(f));
	assert_int_equal(got, 65536);
	say("on\n");
	assert_string_equal(read_now(f), "on\n");
	close_stream(f);
}

static void stream_release_and_free_answer_what_waits(void **state)
{
	struct stream *f = begin();
	struct fuse_req a, b;

	(void)state;
	start_read(&a, f);
	close_stream(f);
	assert_int_equal(a.error, EIO);
	f = begin();
	struct fuse_pollhandle poll = { 0 };
	poll_stream(f, &poll);
	start_read(&b, f);
	stream_free(fs.streams);
	assert_int_equal(b.error, EIO);
	assert_int_equal(poll.destroyed, 1);
	assert_int_equal(kind.closes, 1);
	assert_int_equal(stream_new(&fs, &fs.streams, NULL), 0);
}

static void stream_outlives_its_weaver(void **state)
{
	struct stream *f = begin();

	(void)state;
	take_away();
	assert_true(kind.seen.gone);
	assert_string_equal(kind.name, "fix-42");
	close_stream(f);
	struct registry_view w;
	assert_int_equal(registry_find_uid(fs.registry, UID, &w), -ENOENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(stream_read_waits_for_a_wake),
		TEST(stream_open_by_id_is_woken_too),
		TEST(stream_open_of_the_gone_is_enoent),
		TEST(stream_open_that_fails_leaves_nothing),
		TEST(stream_open_of_a_killed_caller_is_closed),
		TEST(stream_read_in_small_pieces_keeps_the_rest),
		TEST(stream_reads_of_one_open_are_answered_in_order),
		TEST(stream_read_ends_at_a_signal),
		TEST(stream_read_nonblocking_is_eagain),
		TEST(stream_read_that_fails_is_said_and_asked_anew),
		TEST(stream_timer_asks_again),
		TEST(stream_poll_is_told_of_each_arrival),
		TEST(stream_unread_has_a_bound),
		TEST(stream_release_and_free_answer_what_waits),
		TEST(stream_outlives_its_weaver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
