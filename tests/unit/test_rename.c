/* SPDX-License-Identifier: Apache-2.0 */
/* fs/life/rename.c: mv of a live weaver, alone and against another mount. */
#include "tests/unit/creation_fixture.h"

#include "fs/life/rename.h"
#include "fs/task.h"

/* ---- a libfuse with one request ---- */

struct fuse_req {
	int answers, code;
};
static struct fuse_req req;
static const struct fuse_ctx ctx = { .uid = 1000, .gid = 1 };

const struct fuse_ctx *fuse_req_ctx(fuse_req_t r)
{
	(void)r;
	return &ctx;
}

int fuse_reply_err(fuse_req_t r, int code)
{
	r->answers++;
	r->code = code;
	return 0;
}

/* ---- the rest ---- */

void record_renamed(uid_t uid, pid_t pid, const char *from, const char *to, const struct error *e)
{
	(void)uid;
	(void)pid;
	(void)from;
	(void)to;
	(void)e;
}

static int writes;

void sync_write_begin(struct sync *s, struct sync_write *w, const char *uid)
{
	(void)s;
	(void)w;
	(void)uid;
	writes++;
}

void sync_write_end(struct sync *s, struct sync_write *w)
{
	(void)s;
	(void)w;
	writes--;
}

void sync_write_reply(struct sync *s, struct sync_write *w, const struct pod *pod)
{
	world_seen(pod->name, pod->uid, world_label(pod), pod->resource_version, 1000);
	sync_write_end(s, w);
}

#define POD(label, version)                                                                        \
	"{\"metadata\":{\"name\":\"weaver-1\",\"uid\":\"u\",\"resourceVersion\":\"" version "\","  \
	"\"labels\":{\"loom.dev/name\":\"" label "\"}}}"

static void start(const char *from, const char *to)
{
	req = (struct fuse_req){ 0 };
	if (!world_find("u"))
		world_seen("weaver-1", "u", "a", "1", 1000);
	rename_weaver(&fs, &req, from, to);
	fake_run();
}

static void seen(const char *label, const char *version)
{
	world_seen("weaver-1", "u", label, version, 1000);
}

static void answered(int code)
{
	assert_int_equal(req.answers, 1);
	assert_int_equal(req.code, code);
	assert_int_equal(fake_requests_out(), 0);
	assert_int_equal(writes, 0);
	assert_true(list_empty(&fs.tasks));
}

static void reply_and_modified_in_any_order(void **state)
{
	(void)state;
	start("a", "b");
	assert_string_equal(fake_request()->body,
			    "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"1\",\"labels\":{"
			    "\"loom.dev/name\":\"b\"}}}");
	world_answer(fake_request(), 200, 0, false, "", POD("b", "2"));
	assert_int_equal(req.answers, 0); /* the watch may tell of a rival first */
	seen("b", "2");
	answered(0);
	told_is("own(a) own(b) done(a) done(b) ");

	start("b", "c");
	seen("c", "3");
	assert_int_equal(req.answers, 0);
	world_answer(fake_request(), 200, 0, false, "", POD("c", "3"));
	answered(0);
}

static void faster_writers_are_looked_at_again(void **state)
{
	(void)state;
	start("a", "b");
	world_answer(fake_request(), 409, EBUSY, false, "Conflict", "");
	seen("a", "2");
	fake_advance(20);
	assert_non_null(strstr(fake_request()->body, "\"resourceVersion\":\"2\""));
	world_answer(fake_request(), 200, 0, false, "", POD("b", "3"));
	seen("b", "3");
	answered(0);
}

/* The old label comes back before mv is told. */
static void rival_that_was_first_undoes_it(void **state)
{
	(void)state;
	start("a", "b");
	world_seen("weaver-2", "v", "b", "2", 1);
	assert_int_equal(req.answers, 0); /* ours is out: it may be carried out */
	world_answer(fake_request(), 200, 0, false, "", POD("b", "3"));
	assert_int_equal(req.answers, 0);
	assert_non_null(strstr(fake_request()->body, "\"loom.dev/name\":\"a\""));
	world_answer(fake_request(), 409, EBUSY, false, "Conflict", "");
	seen("b", "3");
	fake_advance(20);
	assert_non_null(strstr(fake_request()->body, "\"resourceVersion\":\"3\""));
	world_answer(fake_request(), 200, 0, false, "", POD("a", "4"));
	answered(EEXIST);
	assert_string_equal(world_label(world_find("u")->pod), "a");
}

/* This one used the request after it was gone. */
static void rival_between_two_tries_is_the_end(void **state)
{
	(void)state;
	start("a", "b");
	world_answer(fake_request(), 409, EBUSY, false, "Conflict", "");
	world_seen("weaver-2", "v", "b", "2", 1);
	answered(EEXIST);
	fake_advance(5000);
	answered(EEXIST);
}

static void order_lost_a_list_decides(void **state)
{
	(void)state;
	start("a", "b");
	claim_order_lost(&create.claims);
	world_answer(fake_request(), 200, 0, false, "", POD("b", "2"));
	seen("b", "2");
	assert_int_equal(req.answers, 0);
	world_answer(fake_request(), 200, 0, false, "", "{\"items\":[]}");
	answered(0);

	start("b", "c");
	claim_order_lost(&create.claims);
	world_answer(fake_request(), 200, 0, false, "", POD("c", "3"));
	seen("c", "3");
	world_answer(fake_request(), 200, 0, false, "",
		     "{\"items\":[{\"metadata\":{\"name\":\"weaver-2\",\"uid\":\"v\"}}]}");
	world_answer(fake_request(), 200, 0, false, "", POD("b", "4"));
	answered(EEXIST);
}

static void no_answer_the_watch_decides(void **state)
{
	(void)state;
	start("a", "b");
	world_answer(fake_request(), 0, ETIMEDOUT, true, "", "");
	answered(ETIMEDOUT);
	start("a", "b");
	world_answer(fake_request(), 0, EIO, true, "", "");
	assert_int_equal(req.answers, 0);
	seen("b", "2");
	answered(0);
}

static void refused_before_and_by_the_server(void **state)
{
	(void)state;
	start("a", "A");
	answered(EPROTO); /* mv words EINVAL as something else */
	start("a", ".x");
	answered(EPERM);
	start("none", "b");
	answered(ENOENT);
	world_seen("weaver-2", "v", "b", "2", 1);
	start("a", "b");
	answered(EEXIST);
	start("a", "a");
	answered(EBUSY);
	start("a", "c");
	world_answer(fake_request(), 403, EACCES, false, "Forbidden", "");
	answered(EACCES);
	start("a", "c");
	world_answer(fake_request(), 422, EINVAL, false, "Invalid", "");
	answered(EPROTO);
	start("a", "c");
	task_cancel_all(&fs.tasks);
	answered(EIO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reply_and_modified_in_any_order),  TEST(faster_writers_are_looked_at_again),
		TEST(rival_that_was_first_undoes_it),   TEST(rival_between_two_tries_is_the_end),
		TEST(order_lost_a_list_decides),        TEST(no_answer_the_watch_decides),
		TEST(refused_before_and_by_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
