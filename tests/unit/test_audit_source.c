/* SPDX-License-Identifier: Apache-2.0 */
/* audit_source.c: the cursor after whatever became of an exec, the words for what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/log_file.h"
#include "fs/logs/log_source.h"
#include "fs/logs/relay.h"
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/pod.h"
#include "tests/unit/fake_loop.h"

#define EXIT_GONE 3
#define EXIT_BEYOND 4
#define ASK "tail --after 18446744073709551614"
#define END "{\"event_type\":\"audit_batch\",\"details\":{\"end\":true}}\n"

/* ---- execs ---- */

struct relay {
	const struct relay_ops *ops;
	void *data;
	char argv[200];
};

static struct relay *follow, *question; /* NULL: none runs */
static unsigned execs;
static char command[200]; /* of the last */

int relay_start(struct relays *all, const struct relay_spec *spec, struct relay **ret,
		struct error *e)
{
	struct relay *r = calloc(1, sizeof(*r));

	(void)all;
	(void)e;
	assert_int_equal(spec->kind, CHANNEL_EXEC);
	assert_string_equal(spec->container, LOOM_SIDECAR);
	assert_string_equal(spec->pod, "weaver-x");
	assert_string_equal(spec->argv[0], "/audit-sidecar");
	*command = '\0';
	for (size_t i = 1; spec->argv[i]; i++)
		sprintf(command + strlen(command), "%s%s", i > 1 ? " " : "", spec->argv[i]);
	struct relay **slot = strstr(command, "--follow") ? &follow : &question;
	assert_null(*slot);
	r->ops = spec->ops;
	r->data = spec->data;
	*ret = *slot = r;
	execs++;
	return 0;
}

void relay_stop(struct relay *r)
{
	if (!r)
		return;
	*(r == follow ? &follow : &question) = NULL;
	free(r);
}

static void says(struct relay *r, enum channel_stream stream, const char *text)
{
	r->ops->output(r->data, stream, text, strlen(text));
}

static void ends(struct relay *r, int exit_code, const char *said)
{
	const struct channel_end end = { .exit_code = exit_code };

	if (said)
		says(r, CHANNEL_ERR, said);
	*(r == follow ? &follow : &question) = NULL;
	r->ops->ended(r->data, &end);
	free(r);
}

static void is_lost(struct relay *r)
{
	struct channel_end end = { 0 };

	end.r = error_set(&end.error, ECONNRESET, "the connection was lost");
	*(r == follow ? &follow : &question) = NULL;
	r->ops->ended(r->data, &end);
	free(r);
}

/* ---- the file ---- */

static struct pod_container sidecar, weaver;
static struct pod pod = {
	.refs = 1,
	.name = "weaver-x",
	.namespace_ = "ns",
	.phase = "Running",
	.init = &sidecar,
	.n_init = 1,
	.containers = &weaver,
	.n_containers = 1,
};
static struct config config = { .audit_batch_interval_ms = 100 };
static struct weaverfs fs = { .config = &config };
static struct log_file file = { .fs = &fs, .pod = &pod };
static void *stream;
static struct buf told; /* lines as they are, "[ok]", "[no]", "[end]" */
static bool full, over;
static struct list opening; /* an open that wants to know the end */

static int on_lines(void *data, const char *bytes, size_t len, const struct log_position *pos)
{
	assert_ptr_equal(data, &file);
	if (full)
		return -ENOSPC;
	buf_add(&told, bytes, len);
	file.position = *pos;
	return spool_append(file.spool, bytes, len, pos, NULL);
}

static void on_caught_up(void *data, int r, const struct error *e)
{
	(void)data;
	assert_true((r == 0) == !e);
	buf_add_str(&told, r ? "[no]" : "[ok]");
}

static void on_ended(void *data)
{
	(void)data;
	buf_add_str(&told, "[end]");
}

static const char *on_container(void *data, bool *ret_terminated, bool *ret_gone)
{
	(void)data;
	*ret_terminated = over;
	*ret_gone = false;
	return "";
}

static const struct log_stream_ops ops = {
	.lines = on_lines,
	.caught_up = on_caught_up,
	.ended = on_ended,
	.container = on_container,
};

static void start_at(uint64_t cursor)
{
	file.position = (struct log_position){ .part = cursor };
	assert_int_equal(audit_source_sidecar.start(&file, &ops, &stream, NULL), 0);
	fake_run();
}

/* What was told since the last time. */
static void expect(const char *text)
{
	assert_string_equal(buf_str(&told), text);
	buf_reset(&told);
}

/* One line of ours; the rest is the time. */
static void expect_lost(const char *before, const char *rest)
{
	char want[300];
	const char *at = buf_str(&told);

	snprintf(want, sizeof(want), "%s{\"timestamp_ns\":%lld,\"event_type\":\"audit_lost\",%s",
		 before, (long long)clock_realtime_ns(), rest);
	assert_string_equal(at, want);
	buf_reset(&told);
}

static int set_up(void **state)
{
	struct log_position pos;

	(void)state;
	sidecar = (struct pod_container){ .name = LOOM_SIDECAR,
					  .restartable = true,
					  .state = POD_STATE_RUNNING };
	weaver = (struct pod_container){ .name = LOOM_CONTAINER, .state = POD_STATE_RUNNING };
	full = over = false;
	execs = 0;
	list_init(&file.asked);
	list_init(&opening);
	list_push_back(&file.asked, &opening);
	return spool_open("", "x", SPOOL_AUDIT, 1 << 20, &file.spool, &pos, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	audit_source_sidecar.stop(stream);
	assert_null(follow);
	assert_null(question);
	assert_true(list_empty(&fake_timers));
	spool_unref(file.spool);
	buf_done(&told);
	return 0;
}

static void audit_source_lost_connection_goes_on_at_its_cursor(void **state)
{
	(void)state;
	start_at(17);
	assert_string_equal(command, "tail --after 17 --follow --stdin");
	says(follow, CHANNEL_OUT, "{\"a\":1}\n{\"b");
	expect("{\"a\":1}\n{\"b");
	is_lost(follow);
	fake_advance(99);
	assert_null(follow);
	fake_advance(1);
	assert_string_equal(command, "tail --after 28 --follow --stdin");
	says(follow, CHANNEL_OUT, "\":2}\n");
	expect("\":2}\n");
	assert_int_equal(file.position.part, 33);
}

static void audit_source_waits_longer_until_bytes_come(void **state)
{
	(void)state;
	list_init(&file.asked); /* nobody asks for the end */
	start_at(0);
	for (int64_t ms = 100; ms <= 25600; ms *= 2) {
		ends(follow, 1, "no");
		fake_advance((ms < 6400 ? ms : 6400) - 1);
		assert_null(follow);
		fake_advance(1);
		assert_non_null(follow);
	}
	says(follow, CHANNEL_OUT, "{}\n");
	ends(follow, 1, "no");
	fake_advance(100);
	assert_non_null(follow);
	buf_reset(&told);
}

static void audit_source_overtaken_says_what_is_missing_and_goes_on(void **state)
{
	(void)state;
	start_at(0);
	says(follow, CHANNEL_OUT, "{\"a\":1}\n");
	expect("{\"a\":1}\n");
	ends(follow, EXIT_GONE, "bytes are gone: --after 500 goes on\n");
	expect_lost("", "\"details\":{\"stage\":\"weaverfs\",\"reason\":\"overtaken\",\"from\":8,"
			"\"to\":500}}\n");
	fake_run();
	assert_string_equal(command, "tail --after 500 --follow --stdin");
	/* In the middle of a line that line is ended first. */
	says(follow, CHANNEL_OUT, "{\"b");
	expect("{\"b");
	ends(follow, EXIT_GONE, "bytes are gone: --after 600 goes on\n");
	expect_lost("\n", "\"details\":{\"stage\":\"weaverfs\",\"reason\":\"overtaken\","
			  "\"from\":503,\"to\":600}}\n");
}

static void audit_source_overtaken_by_an_unknown_cursor_skips_nothing(void **state)
{
	(void)state;
	start_at(8);
	ends(follow, EXIT_GONE, "bytes are gone\n");
	expect("");
	fake_advance(100);
	assert_string_equal(command, "tail --after 8 --follow --stdin");
}

static void audit_source_other_buffer_is_read_from_its_beginning(void **state)
{
	(void)state;
	start_at(70);
	ends(follow, EXIT_BEYOND, "it ends before: --after 5 goes on\n");
	expect_lost("", "\"details\":{\"stage\":\"weaverfs\",\"reason\":\"replaced\",\"from\":70,"
			"\"to\":0}}\n");
	assert_int_equal(file.position.part, 0);
	list_init(&file.asked);
	fake_advance(100);
	assert_string_equal(command, "tail --after 0 --follow --stdin");
	buf_reset(&told);
}

static void audit_source_spool_that_fails_takes_nothing_more(void **state)
{
	(void)state;
	start_at(0);
	full = true;
	says(follow, CHANNEL_OUT, "{}\n");
	assert_null(follow);
	fake_advance(60000);
	assert_null(follow);
	audit_source_sidecar.poke(stream);
	fake_advance(60000);
	assert_null(follow);
	assert_int_equal(file.position.part, 0);
}

static void audit_source_caught_up_with_the_end_of_then(void **state)
{
	(void)state;
	start_at(10);
	assert_null(question); /* what has just happened is not written down yet */
	fake_advance(99);
	assert_null(question);
	fake_advance(1);
	assert_string_equal(command, ASK);
	ends(question, EXIT_BEYOND, "it ends before: --after 14 goes on\n");
	expect("");
	says(follow, CHANNEL_OUT, "{}\n");
	expect("{}\n");
	says(follow, CHANNEL_OUT, "\n");
	expect("\n[ok]");
	says(follow, CHANNEL_OUT, "\n");
	expect("\n"); /* once */
	audit_source_sidecar.refresh(stream);
	fake_advance(100);
	ends(question, EXIT_BEYOND, "it ends before: --after 15 goes on\n");
	expect("[ok]"); /* that is here already */
}

static void audit_source_end_that_cannot_be_asked_is_told(void **state)
{
	(void)state;
	start_at(10);
	fake_advance(100);
	is_lost(question);
	expect("[no]");
	audit_source_sidecar.refresh(stream);
	fake_advance(100);
	ends(question, 127, NULL);
	expect("[no]");
	/* Nobody wants to know: then nobody is asked. */
	list_init(&file.asked);
	unsigned before = execs;
	audit_source_sidecar.refresh(stream);
	fake_advance(100);
	assert_int_equal(execs, before);
	expect("[ok]");
}

/* Nobody asks, all has been read, and the sidecar is said to be over. */
static void start_and_be_over(void)
{
	list_init(&file.asked);
	start_at(0);
	fake_advance(100);
	expect("[ok]");
	over = true;
	audit_source_sidecar.poke(stream);
}

static void audit_source_sidecar_over_lingers_for_what_comes(void **state)
{
	(void)state;
	start_and_be_over();
	fake_advance(9000);
	says(follow, CHANNEL_OUT, END);
	expect(END);
	ends(follow, 0, NULL);
	fake_run();
	expect("[end]");
}

static void audit_source_sidecar_over_lingers_no_longer(void **state)
{
	(void)state;
	start_and_be_over();
	fake_advance(9999);
	expect("");
	fake_advance(1);
	expect("[end]");
}

static void audit_source_sidecar_away_is_asked_when_it_runs(void **state)
{
	(void)state;
	sidecar.state = POD_STATE_WAITING;
	start_at(3);
	assert_null(follow);
	sidecar.state = POD_STATE_RUNNING;
	audit_source_sidecar.poke(stream);
	fake_run();
	assert_string_equal(command, "tail --after 3 --follow --stdin");
}

/* complete() and cut_line() look at the spool alone. */
static void audit_source_complete_with_a_last_word(void **state)
{
	static const struct {
		const char *text;
		bool complete;
	} rows[] = {
		{ "", false },
		{ END, true },
		{ "{\"event_type\":\"file_open\"}\n" END, true },
		{ END "{\"event_type\":\"file_open\"}\n", false },
		{ "{\"event_type\":\"audit_batch\",\"details\":{}}\n", false },
		{ "{\"event_type\":\"file_open\",\"details\":{\"end\":true}}\n", false },
		{ "{\"event_type\":\"audit_batch\",\"details\":{\"end\":true}}", false },
	};

	(void)state;
	start_at(0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct log_position pos;
		struct spool *s;

		assert_int_equal(spool_open("", "x", SPOOL_AUDIT, 1 << 20, &s, &pos, NULL), 0);
		if (*rows[i].text)
			spool_append(s, rows[i].text, strlen(rows[i].text), &pos, NULL);
		assert_int_equal(audit_source_sidecar.complete(NULL, s), rows[i].complete);
		if (!rows[i].complete) {
			audit_source_sidecar.cut_line(s, &pos, 0, &told);
			spool_append(s, told.data, told.len, &pos, NULL);
			bool ended = !*rows[i].text || strchr(rows[i].text, '\n');
			expect_lost(ended ? "" : "\n",
				    "\"details\":{\"stage\":\"weaverfs\",\"reason\":\"end\","
				    "\"from\":0}}\n");
			/* Which is said once. */
			assert_true(audit_source_sidecar.complete(NULL, s));
		}
		spool_unref(s);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(audit_source_lost_connection_goes_on_at_its_cursor),
		TEST(audit_source_waits_longer_until_bytes_come),
		TEST(audit_source_overtaken_says_what_is_missing_and_goes_on),
		TEST(audit_source_overtaken_by_an_unknown_cursor_skips_nothing),
		TEST(audit_source_other_buffer_is_read_from_its_beginning),
		TEST(audit_source_spool_that_fails_takes_nothing_more),
		TEST(audit_source_caught_up_with_the_end_of_then),
		TEST(audit_source_end_that_cannot_be_asked_is_told),
		TEST(audit_source_sidecar_over_lingers_for_what_comes),
		TEST(audit_source_sidecar_over_lingers_no_longer),
		TEST(audit_source_sidecar_away_is_asked_when_it_runs),
		TEST(audit_source_complete_with_a_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
