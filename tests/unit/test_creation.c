/* SPDX-License-Identifier: Apache-2.0 */
/* fs/life/creation.c: what becomes of a creation, whatever the server, the watch and rivals do. */
#include "tests/unit/creation_fixture.h"

static int result;
static unsigned results;
static char result_uid[64];

static void on_done(void *data, int r, const struct error *e, const char *pod_uid)
{
	(void)data;
	result = r;
	results++;
	assert_true(r == 0 ? pod_uid && !e : e && e->code == -r);
	snprintf(result_uid, sizeof(result_uid), "%s", pod_uid ? pod_uid : "");
}

static void start_as(const char *name, uid_t uid, struct podspec *spec)
{
	const struct creation_spec what = { .op = "mkdir",
					    .name = name,
					    .spec = spec,
					    .uid = uid,
					    .gid = 1,
					    .own_event = true,
					    .done = on_done };

	results = 0;
	assert_int_equal(creation_start(&create, &what, NULL), 0);
	fake_run();
}

/* Starts one; the name of its pod. */
static void start(const char *name, char pod[80])
{
	start_as(name, 1000, NULL);
	assert_non_null(fake_request());
	world_posted_name(fake_request(), pod);
}

static void reply_and_added_in_any_order(void **state)
{
	char pod[80];

	(void)state;
	start("a", pod);
	world_answer(fake_request(), 201, 0, false, "", "{}");
	assert_int_equal(results, 0);
	world_seen(pod, "u1", "a", "1", 1000);
	assert_int_equal(results, 1);
	assert_int_equal(result, 0);
	assert_string_equal(result_uid, "u1");
	told_is("own(a) intend settle done(a) ");

	start("b", pod);
	world_seen(pod, "u2", "b", "2", 1000);
	assert_int_equal(results, 0);
	world_answer(fake_request(), 201, 0, false, "", "{}");
	assert_int_equal(results, 1);
	assert_int_equal(result, 0);
}

static void rival_that_was_first_wins(void **state)
{
	char pod[80];

	(void)state;
	start("a", pod);
	world_seen("weaver-other", "other", "a", "1", 1);
	assert_int_equal(result, -EEXIST);
	told_is("own(a) intend bury mkdir:EEXIST failed(a) ");
	assert_int_equal(fake_requests_out(), 0);

	start("b", pod);
	world_seen(pod, "u", "b", "2", 1000);
	world_seen("weaver-late", "late", "b", "3", 1); /* it loses, elsewhere */
	world_answer(fake_request(), 201, 0, false, "", "{}");
	assert_int_equal(result, 0);
}

static void order_lost_a_list_decides(void **state)
{
	static const char none[] = "{\"items\":[]}";
	static const char rival[] =
		"{\"items\":[{\"metadata\":{\"name\":\"weaver-x\",\"uid\":\"x\"}}]}";
	char pod[80];

	(void)state;
	for (int i = 0; i < 3; i++) {
		char name[2] = { (char)('a' + i), '\0' };
		start(name, pod);
		claim_order_lost(&create.claims);
		world_seen("weaver-x", name, name, "1", 1);
		assert_int_equal(results, 0); /* its place in the order means nothing */
		world_seen(pod, pod, name, "2", 1000);
		world_answer(fake_request(), 201, 0, false, "", "{}");
		assert_int_equal(results, 0);
		assert_non_null(strstr(fake_request()->path, "labelSelector=loom.dev%2Fname%3D"));
		if (i == 2)
			world_answer(fake_request(), 500, EIO, false, "", "");
		else
			world_answer(fake_request(), 200, 0, false, "", i == 0 ? none : rival);
		assert_int_equal(results, 1);
		assert_int_equal(result, i == 0 ? 0 : i == 1 ? -EEXIST : -EIO);
		assert_int_equal(world_find(pod)->gone, i > 0);
	}
}

static void definite_refusal_leaves_nothing(void **state)
{
	char pod[80];

	(void)state;
	start("a", pod);
	world_answer(fake_request(), 422, EINVAL, false, "Invalid", "");
	assert_int_equal(result, -EINVAL);
	told_is("own(a) intend settle mkdir:EINVAL failed(a) ");
}

static void no_answer_is_buried(void **state)
{
	char pod[80];

	(void)state;
	start("a", pod);
	world_answer(fake_request(), 0, ETIMEDOUT, true, "", "");
	assert_int_equal(result, -ETIMEDOUT);
	told_is("own(a) intend bury mkdir:ETIMEDOUT failed(a) ");

	start("b", pod); /* the connection broke: the watch may still tell, until the deadline */
	world_answer(fake_request(), 0, EIO, true, "", "");
	assert_int_equal(results, 0);
	fake_advance(2099);
	assert_int_equal(results, 0);
	fake_advance(2);
	assert_int_equal(result, -EIO); /* as the broken connection said */
	buf_reset(&told);

	start("c", pod);
	world_answer(fake_request(), 0, EIO, true, "", "");
	world_seen(pod, "c", "c", "1", 1000);
	fake_advance(3000);
	assert_int_equal(result, 0);
	told_is("own(c) intend settle done(c) ");
}

static void exists_already_is_an_earlier_copy_of_ours(void **state)
{
	char pod[80];

	(void)state;
	start("a", pod);
	world_answer(fake_request(), 409, EEXIST, false, "AlreadyExists", "");
	assert_int_equal(results, 0);
	world_seen(pod, "u", "a", "1", 1000);
	assert_int_equal(result, 0);
}

/* ---- secrets ---- */

static struct podspec *with_secret(void)
{
	struct podspec *s = podspec_new(&config, NULL);

	s->secrets = calloc(1, sizeof(*s->secrets));
	s->secrets[0] = (struct podspec_pair){ strdup("TOKEN"), strdup("hush") };
	s->n_secrets = 1;
	return s;
}

static void secret_follows_the_pod(void **state)
{
	_cleanup_(podspec_unrefp) struct podspec *spec = with_secret();
	char pod[80], reply[160];

	(void)state;
	for (int added_first = 0; added_first < 2; added_first++) {
		const char *name = added_first ? "a" : "b";
		start_as(name, 1000, spec);
		world_posted_name(fake_request(), pod);
		snprintf(reply, sizeof(reply), "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\"}}",
			 pod, name);
		struct request *post = fake_request();
		assert_int_equal(fake_requests_out(), 1);
		assert_false(post->spec.secret);
		if (added_first)
			world_seen(pod, name, name, "1", 1000);
		else
			world_answer(post, 201, 0, false, "", reply);
		assert_int_equal(fake_requests_out(), added_first ? 2 : 1);
		if (added_first)
			world_answer(post, 201, 0, false, "", reply);
		struct request *secret = fake_request();
		assert_non_null(strstr(secret->path, "/secrets?"));
		assert_true(secret->spec.secret);
		assert_non_null(strstr(secret->body, "\"TOKEN\":\"aHVzaA==\""));
		assert_non_null(
			strstr(secret->body, added_first ? "\"uid\":\"a\"" : "\"uid\":\"b\""));
		world_answer(secret, 201, 0, false, "", "{}");
		assert_int_equal(results, added_first ? 1 : 0);
		if (!added_first)
			world_seen(pod, name, name, "1", 1000);
		assert_int_equal(results, 1);
		assert_int_equal(result, 0);
	}
}

static void secret_that_fails_takes_the_pod_with_it(void **state)
{
	static const struct {
		int http, code;
		bool ambiguous;
	} cases[] = { { 403, EACCES, false }, { 0, ETIMEDOUT, true }, { 500, EIO, true } };
	_cleanup_(podspec_unrefp) struct podspec *spec = with_secret();
	char pod[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[2] = { (char)('a' + i), '\0' };
		start_as(name, 1000, spec);
		world_posted_name(fake_request(), pod);
		world_seen(pod, name, name, "1", 1000);
		world_answer(fake_request(), 201, 0, false, "", "{}");
		buf_reset(&told);
		world_answer(fake_request(), cases[i].http, cases[i].code, cases[i].ambiguous,
			     "Forbidden", "");
		assert_int_equal(results, 1);
		assert_int_equal(result, -cases[i].code);
		assert_memory_equal(buf_str(&told), "bury claims gone ", 17);
		assert_true(world_find(name)->gone);
	}
	start_as("e", 1000, spec); /* all but the Secret, until the deadline */
	world_posted_name(fake_request(), pod);
	world_seen(pod, "e", "e", "1", 1000);
	world_answer(fake_request(), 201, 0, false, "", "{}");
	fake_advance(3000);
	assert_int_equal(result, -ETIMEDOUT);
	assert_true(world_find("e")->gone);
}

/* ---- before anything is sent ---- */

static void refused(const char *name, uid_t uid, int code)
{
	start_as(name, uid, NULL);
	assert_int_equal(results, 1);
	assert_int_equal(result, -code);
	assert_null(strstr(buf_str(&told), "intend"));
	buf_reset(&told);
}

static void names_are_given_once(void **state)
{
	char pod[80];

	(void)state;
	world_seen("weaver-x", "x", "x", "1", 1);
	refused("x", 1000, EEXIST);
	start("a", pod);
	buf_reset(&told);
	refused("a", 1000, EEXIST); /* another is on its way */
	assert_int_equal(fake_requests_out(), 1);
	error_set(&away, EHOSTUNREACH, "away");
	refused("b", 1000, EHOSTUNREACH);
}

static void caps_count_what_is_on_its_way(void **state)
{
	char pod[80];

	(void)state;
	config.max_concurrent = 2;
	world_seen("weaver-x", "x", "x", "1", 1);
	start("a", pod);
	buf_reset(&told);
	refused("b", 1000, EDQUOT);
	world_seen(pod, "a", "a", "1", 1000);
	world_answer(fake_request(), 201, 0, false, "", "{}");
	buf_reset(&told);
	refused("b", 1000, EDQUOT);
	config.max_concurrent = 3;
	config.max_per_user = 1;
	refused("b", 1000, EDQUOT);
	start_as("c", 1001, NULL);
	assert_int_equal(results, 0);
	config.max_concurrent = 9;
	buf_reset(&told);
	refused("d", 1001, EDQUOT); /* c, whose pod nobody has seen */
	creation_cancel_all(&create);
	assert_int_equal(result, -EIO);
	told_is("bury mkdir:EIO failed(c) ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reply_and_added_in_any_order), TEST(rival_that_was_first_wins),
		TEST(order_lost_a_list_decides),    TEST(definite_refusal_leaves_nothing),
		TEST(no_answer_is_buried),          TEST(exists_already_is_an_earlier_copy_of_ours),
		TEST(secret_follows_the_pod),       TEST(secret_that_fails_takes_the_pod_with_it),
		TEST(names_are_given_once),         TEST(caps_count_what_is_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
