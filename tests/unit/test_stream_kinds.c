/* SPDX-License-Identifier: Apache-2.0 */
/* stream_follow.c, stream_wait.c, stream_mount.c: what each stream says, and its end. */
#include "tests/unit/stream_fixture.h"

static const char *expires(int64_t in_s)
{
	static char text[200];
	char time[32];
	time_t at = (time_t)(client_server_time(NULL) + in_s);
	struct tm tm;

	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	snprintf(text, sizeof(text),
		 ",\"annotations\":{\"loom.dev/expires-at\":\"%s\",\"loom.dev/uid\":\"1001\","
		 "\"loom.dev/gid\":\"2000\",\"loom.dev/mode\":\"0750\"}",
		 time);
	return text;
}

static void event(const char *uid, int count)
{
	struct event *ev = NULL;
	char json[500];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"e\",\"uid\":\"%s\"},\"involvedObject\":{\"uid\":\"" UID
		 "\"},\"type\":\"Normal\",\"reason\":\"R%s\",\"message\":\"m\",\"count\":%d,"
		 "\"lastTimestamp\":\"2026-01-01T00:00:00Z\"}",
		 uid, uid, count);
	assert_int_equal(event_parse(json, &ev, NULL), 0);
	assert_int_equal(registry_add_event(fs.registry, ev), 0);
	stream_wake(fs.streams, OBJECT);
}

/* ---- wait/ ---- */

static void wait_running_says_running_and_ends(void **state)
{
	struct fuse_req a;

	(void)state;
	put("", "Pending", "");
	struct stream *f = open_stream(OBJECT, &stream_wait_running);
	start_read(&a, f);
	assert_false(a.answered);
	put("", "Running", RUNNING);
	assert_string_equal(a.text, "running\n");
	assert_string_equal(read_now(f), "");
	close_stream(f);
	/* It did run: what waits for that need not wait. */
	put("", "Failed", EXITED_7);
	f = open_stream(OBJECT, &stream_wait_running);
	assert_string_equal(read_now(f), "running\n");
	close_stream(f);
}

static void wait_running_of_what_never_runs_is_eio(void **state)
{
	struct fuse_req a, b;

	(void)state;
	put("", "Pending", "");
	struct stream *f = open_stream(OBJECT, &stream_wait_running);
	start_read(&a, f);
	put("", "Failed", NOT_STARTED);
	assert_int_equal(a.error, EIO);
	close_stream(f);
	put("", "Pending", "");
	f = open_stream(OBJECT, &stream_wait_running);
	start_read(&b, f);
	put(DELETED, "Pending", "");
	assert_int_equal(b.error, EIO);
	take_away();
	start_read(&b, f);
	assert_int_equal(b.error, EIO);
	close_stream(f);
}

static void wait_running_times_out_from_the_read_on(void **state)
{
	struct fuse_req a, b;

	(void)state;
	put("", "Pending", "");
	struct stream *f = open_stream(OBJECT, &stream_wait_running);
	fake_advance(100000);
	start_read(&a, f);
	fake_advance(30000);
	start_read(&b, f);
	fake_advance(29999);
	assert_false(a.answered);
	fake_advance(1);
	assert_int_equal(a.error, ETIMEDOUT);
	assert_false(b.answered);
	fake_advance(30000);
	assert_int_equal(b.error, ETIMEDOUT);
	/* Who polls is told of it, too. */
	struct fuse_pollhandle poll = { 0 };
	assert_int_equal(read_nonblock(f), EAGAIN);
	assert_false(poll_stream(f, &poll));
	fake_advance(60000);
	assert_int_equal(poll.notified, 1);
	assert_int_equal(read_nonblock(f), ETIMEDOUT);
	assert_int_equal(read_nonblock(f), EAGAIN);
	close_stream(f);
}

static void wait_done_is_the_exit_code(void **state)
{
	struct fuse_req a;

	(void)state;
	put("", "Running", RUNNING);
	struct stream *f = open_stream(OBJECT, &stream_wait_done);
	start_read(&a, f);
	assert_false(a.answered);
	put("", "Failed", EXITED_7);
	assert_string_equal(a.text, "7\n");
	assert_string_equal(read_now(f), "");
	close_stream(f);
}

static void wait_done_of_what_leaves_no_code_is_eio(void **state)
{
	struct fuse_req a;

	(void)state;
	put("", "Running", RUNNING);
	struct stream *f = open_stream(OBJECT, &stream_wait_done);
	start_read(&a, f);
	put(DELETED, "Running", RUNNING);
	assert_false(a.answered);
	take_away();
	assert_int_equal(a.error, EIO);
	close_stream(f);
}

static void wait_gone_is_what_became_of_it(void **state)
{
	struct fuse_req a;

	(void)state;
	put("", "Running", RUNNING);
	struct stream *f = open_stream(ALIAS, &stream_wait_gone);
	start_read(&a, f);
	put(DELETED, "Failed", EXITED_7);
	assert_false(a.answered);
	take_away();
	assert_string_equal(a.text, "failed\n");
	close_stream(f);
}

/* ---- follow/ ---- */

static void follow_status_is_a_line_a_change(void **state)
{
	(void)state;
	put("", "Pending", "");
	struct stream *f = open_stream(OBJECT, &stream_follow_status);
	put("", "Pending", ""); /* no change of the status */
	assert_string_equal(read_now(f), "pending\n");
	put("", "Running", RUNNING);
	put("", "Failed", EXITED_7);
	put(DELETED, "Failed", EXITED_7);
	take_away();
	assert_string_equal(read_now(f), "running\nfailed\nterminating\n");
	assert_string_equal(read_now(f), "");
	close_stream(f);
}

static void follow_events_is_the_list_then_the_new_ones(void **state)
{
	struct fuse_req a;
	char uid[20];

	(void)state;
	put("", "Running", RUNNING);
	event("1", 1);
	struct stream *f = open_stream(OBJECT, &stream_follow_events);
	assert_string_equal(read_now(f), "2026-01-01T00:00:00Z\tNormal\tR1\t1\tm\n");
	start_read(&a, f);
	stream_wake(fs.streams, OBJECT);
	assert_false(a.answered);
	event("2", 1);
	assert_string_equal(a.text, "2026-01-01T00:00:00Z\tNormal\tR2\t1\tm\n");
	/* The first again, with a higher count. */
	event("1", 2);
	assert_string_equal(read_now(f), "2026-01-01T00:00:00Z\tNormal\tR1\t2\tm\n");
	for (int i = 0; i < 3000; i++) {
		snprintf(uid, sizeof(uid), "many-%d", i);
		event(uid, 1);
	}
	size_t len = 0;
	const char *lost = NULL;
	while (poll_stream(f, NULL)) {
		const char *text = read_now(f);
		len += strlen(text);
		lost = lost ? lost : strstr(text, "\tWarning\tEventsLost\t");
	}
	assert_non_null(lost);
	assert_true(len < 65536 + 16384);
	put("", "Running", RUNNING);
	take_away();
	assert_string_equal(read_now(f), "");
	close_stream(f);
}

static void print_log(const char *text)
{
	struct log_position pos = { .last_ns = 1 };

	assert_int_equal(spool_append(spool, text, strlen(text), &pos, NULL), 0);
	stream_wake(fs.streams, OBJECT);
}

static void follow_logs_is_from_the_first_byte_to_the_last(void **state)
{
	struct fuse_req a;

	(void)state;
	put("", "Running", RUNNING);
	print_log("one\n");
	struct stream *f = open_stream(OBJECT, &stream_follow_logs);
	assert_int_equal(followers, 1);
	assert_true(poll_stream(f, NULL));
	print_log("two\n");
	assert_string_equal(read_now(f), "one\n"); /* what was kept for the poll */
	assert_string_equal(read_now(f), "two\n");
	start_read(&a, f);
	put("", "Failed", EXITED_7);
	assert_false(a.answered);
	log_ended = true;
	print_log("end");
	assert_string_equal(a.text, "end");
	assert_string_equal(read_now(f), "");
	close_stream(f);
	assert_int_equal(followers, 0);
}

/* ---- .weaverfs/follow/events ---- */

static const struct caller owner = { .uid = 1001, .gid = 1001, .pid = 1 };
static const struct caller group = { .uid = 1002, .gid = 2000, .pid = 1 };
static const struct caller stranger = { .uid = 1003, .gid = 1003, .pid = 1 };

static void publish(enum stream_event what)
{
	struct registry_view w;

	assert_int_equal(registry_find_uid(fs.registry, UID, &w), 0);
	stream_publish(fs.streams, what, w.name, w.pod);
	registry_view_done(&w);
}

static void follow_mount_is_for_those_who_may_see(void **state)
{
	(void)state;
	put(expires(3600), "Running", RUNNING);
	publish(STREAM_CREATED); /* nobody listens */
	struct stream *mine = open_as(INO_OBJECT_CONTROL, &stream_follow_mount, &owner);
	struct stream *ours = open_as(INO_OBJECT_CONTROL, &stream_follow_mount, &group);
	struct stream *other = open_as(INO_OBJECT_CONTROL, &stream_follow_mount, &stranger);
	assert_int_equal(read_nonblock(mine), EAGAIN);
	publish(STREAM_RUNNING);
	const char *line = read_now(mine);
	cJSON *json = cJSON_Parse(line);
	static const char *const members[][2] = {
		{ "event", "weaver.running" }, { "name", "fix-42" },    { "id", UID },
		{ "pod", "weaver-x" },         { "status", "running" }, { "owner", "1001:2000" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, members[i][0])),
				    members[i][1]);
	assert_non_null(cJSON_GetObjectItem(json, "time"));
	assert_null(cJSON_GetObjectItem(json, "reason"));
	assert_int_equal(line[strlen(line) - 1], '\n');
	cJSON_Delete(json);
	assert_non_null(strstr(read_now(ours), "weaver.running"));
	assert_int_equal(read_nonblock(other), EAGAIN);
	close_stream(mine);
	close_stream(ours);
	close_stream(other);
}

static void follow_mount_tells_how_many_were_lost(void **state)
{
	unsigned lines = 0, lost = 0;

	(void)state;
	put(expires(3600), "Running", RUNNING);
	struct stream *f = open_as(INO_OBJECT_CONTROL, &stream_follow_mount, &owner);
	struct stream *other = open_as(INO_OBJECT_CONTROL, &stream_follow_mount, &stranger);
	for (int i = 0; i < 5000; i++)
		publish(STREAM_RUNNING);
	while (poll_stream(f, NULL)) {
		const char *text = read_now(f), *at = strstr(text, "{\"event\":\"lost\"");
		if (at)
			assert_int_equal(sscanf(at, "{\"event\":\"lost\",\"count\":%u}\n", &lost),
					 1);
		for (const char *p = text; (p = strchr(p, '\n')); p++)
			lines++;
		lines -= at != NULL;
	}
	assert_true(lost > 3000);
	assert_int_equal(lines + lost, 5000);
	assert_int_equal(read_nonblock(other), EAGAIN);
	close_stream(f);
	close_stream(other);
}

static unsigned expiring_lines(struct stream *f)
{
	unsigned n = 0;

	fake_run();
	while (poll_stream(f, NULL))
		for (const char *p = read_now(f); (p = strstr(p, "weaver.expiring")); p++)
			n++;
	return n;
}

static void follow_mount_says_expiring_once_10_minutes_before(void **state)
{
	(void)state;
	put(expires(3600), "Running", RUNNING);
	struct stream *f = open_as(INO_OBJECT_CONTROL, &stream_follow_mount, &owner);
	fake_advance(2990 * 1000);
	assert_int_equal(expiring_lines(f), 0);
	fake_advance(20 * 1000);
	assert_int_equal(expiring_lines(f), 1);
	put(expires(500), "Running", RUNNING); /* still within them */
	fake_advance(100 * 1000);
	assert_int_equal(expiring_lines(f), 0);
	put(expires(3600), "Running", RUNNING); /* extended */
	fake_advance(1000 * 1000);
	assert_int_equal(expiring_lines(f), 0);
	put(expires(60), "Running", RUNNING); /* cut short */
	assert_int_equal(expiring_lines(f), 1);
	fake_advance(50 * 1000);
	assert_int_equal(expiring_lines(f), 0);
	close_stream(f);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(wait_running_says_running_and_ends),
		TEST(wait_running_of_what_never_runs_is_eio),
		TEST(wait_running_times_out_from_the_read_on),
		TEST(wait_done_is_the_exit_code),
		TEST(wait_done_of_what_leaves_no_code_is_eio),
		TEST(wait_gone_is_what_became_of_it),
		TEST(follow_status_is_a_line_a_change),
		TEST(follow_events_is_the_list_then_the_new_ones),
		TEST(follow_logs_is_from_the_first_byte_to_the_last),
		TEST(follow_mount_is_for_those_who_may_see),
		TEST(follow_mount_tells_how_many_were_lost),
		TEST(follow_mount_says_expiring_once_10_minutes_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
