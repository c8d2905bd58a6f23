/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c between a loop and a ws thread that the test turns: what crosses, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/logs/relay.h"
#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/ws.h"
#include "tests/unit/fake_loop.h"

#define HELD_BYTES (256 << 10)

/* ---- the ws thread, and its one connection ---- */

static struct list ws_jobs = LIST_INIT(ws_jobs);

void ws_post(struct ws *w, struct ws_job *job)
{
	(void)w;
	list_push_back(&ws_jobs, &job->node);
}

static void run_ws(void)
{
	while (!list_empty(&ws_jobs)) {
		struct ws_job *job = list_entry(ws_jobs.next, struct ws_job, node);

		list_remove(&job->node);
		job->run(job);
	}
}

void ws_run(struct ws *w, void (*run)(void *data), void *data)
{
	(void)w;
	run_ws();
	run(data);
}

struct channel {
	const struct channel_ops *ops;
	void *data;
	bool held;
};

static struct channel channel; /* ops NULL: there is none */
static char opened[200], sent[100];
static int refuse; /* what channel_open() fails with */

int channel_open(struct ws *w, const struct channel_spec *spec, struct channel **ret,
		 struct error *e)
{
	(void)w;
	if (refuse)
		return error_set(e, refuse, "refused");
	assert_null(channel.ops);
	snprintf(opened, sizeof(opened), "%d %s/%s/%s %s %s %d %d", (int)spec->kind,
		 spec->namespace_, spec->pod, spec->container ? spec->container : "-",
		 spec->argv[0] ? spec->argv[0] : "-",
		 spec->argv[0] && spec->argv[1] ? spec->argv[1] : "-", spec->port,
		 spec->in && spec->out && spec->err && !spec->tty);
	channel = (struct channel){ .ops = spec->ops, .data = spec->data };
	*ret = &channel;
	return 0;
}

void channel_close(struct channel *c)
{
	if (c)
		*c = (struct channel){ 0 };
}

void channel_send(struct channel *c, const char *bytes, size_t len)
{
	assert_ptr_equal(c, &channel);
	snprintf(sent, sizeof(sent), "%.*s", (int)len, bytes);
}

void channel_hold(struct channel *c, bool hold)
{
	assert_ptr_equal(c, &channel);
	assert_int_not_equal(c->held, hold);
	c->held = hold;
}

static void arrives(enum channel_stream stream, const char *bytes, size_t len)
{
	channel.ops->output(channel.data, stream, bytes, len);
}

static void says(enum channel_stream stream, const char *text)
{
	arrives(stream, text, strlen(text));
}

static void ends(int exit_code)
{
	struct channel_end end = { .exit_code = exit_code };
	struct channel was = channel;

	channel = (struct channel){ 0 };
	was.ops->ended(was.data, &end);
}

/* ---- the owner ---- */

static struct weaverfs fs;
static struct relays *relays;
static struct relay *relay;
static struct buf told; /* "out:TEXT " "err:TEXT " "end:R:CODE " */
static size_t told_bytes;
static bool stop_in_output;

static void on_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	assert_ptr_equal(data, &told);
	told_bytes += len;
	if (len < 100)
		buf_printf(&told, "%s:%.*s ", stream == CHANNEL_ERR ? "err" : "out", (int)len,
			   bytes);
	if (stop_in_output)
		relay_stop(relay);
}

static void on_ended(void *data, const struct channel_end *end)
{
	assert_ptr_equal(data, &told);
	buf_printf(&told, "end:%d:%d ", end->r, end->exit_code);
}

static const struct relay_ops ops = { .output = on_output, .ended = on_ended };

/* The spec's words are gone when the connection is opened. */
static void start_exec(void)
{
	char pod[] = "p", word[] = "true";
	const char *const argv[] = { word, "x", NULL };
	const struct relay_spec spec = {
		.kind = CHANNEL_EXEC,
		.namespace_ = "n",
		.pod = pod,
		.container = "c",
		.argv = argv,
		.ops = &ops,
		.data = &told,
	};

	assert_int_equal(relay_start(relays, &spec, &relay, NULL), 0);
	memset(pod, 'X', sizeof(pod) - 1);
	memset(word, 'X', sizeof(word) - 1);
}

static void start_and_open(void)
{
	start_exec();
	run_ws();
	assert_non_null(channel.ops);
}

static int set_up(void **state)
{
	(void)state;
	refuse = 0;
	told_bytes = 0;
	stop_in_output = false;
	return relay_new(&fs, &relays, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	while (!list_empty(&ws_jobs) || !list_empty(&fake_jobs)) {
		run_ws();
		fake_run();
	}
	assert_null(channel.ops);
	relay_free(relays);
	buf_done(&told);
	return 0;
}

static void relay_exec_hands_over_all_and_then_the_end(void **state)
{
	(void)state;
	start_and_open();
	assert_string_equal(opened, "0 n/p/c true x 0 1");
	says(CHANNEL_OUT, "one");
	fake_run();
	assert_string_equal(buf_str(&told), "out:one ");
	says(CHANNEL_OUT, "two");
	says(CHANNEL_ERR, "oh");
	says(CHANNEL_OUT, "three");
	ends(3);
	assert_string_equal(buf_str(&told), "out:one "); /* on its own thread alone */
	fake_run();
	assert_string_equal(buf_str(&told), "out:one err:oh out:twothree end:0:3 ");
}

static void relay_forward_sends_its_input(void **state)
{
	const struct relay_spec spec = {
		.kind = CHANNEL_FORWARD,
		.namespace_ = "n",
		.pod = "p",
		.port = 9090,
		.input = "GET / HTTP/1.0\r\n\r\n",
		.ops = &ops,
		.data = &told,
	};

	(void)state;
	assert_int_equal(relay_start(relays, &spec, &relay, NULL), 0);
	run_ws();
	assert_string_equal(opened, "2 n/p/- - - 9090 1");
	assert_string_equal(sent, "GET / HTTP/1.0\r\n\r\n");
	ends(0);
}

static void relay_that_is_not_opened_says_why(void **state)
{
	(void)state;
	refuse = E2BIG;
	start_exec();
	run_ws();
	fake_run();
	assert_string_equal(buf_str(&told), "end:-7:0 ");
}

/* Until it is held; and what waited is handed over. */
static void fill(const char *bytes, size_t len)
{
	for (size_t n = 0; n <= HELD_BYTES; n += len)
		arrives(CHANNEL_OUT, bytes, len);
	assert_true(channel.held);
	fake_run();
}

static void relay_holds_the_connection_while_much_waits(void **state)
{
	static char bytes[HELD_BYTES / 2];

	(void)state;
	start_and_open();
	arrives(CHANNEL_OUT, bytes, sizeof(bytes));
	arrives(CHANNEL_ERR, bytes, sizeof(bytes));
	assert_false(channel.held);
	says(CHANNEL_OUT, "x");
	assert_true(channel.held);
	says(CHANNEL_OUT, "y"); /* what was on its way */
	fake_run();
	assert_int_equal(told_bytes, HELD_BYTES + 2);
	assert_true(channel.held);
	run_ws();
	assert_false(channel.held);
	/* And again. */
	fill(bytes, sizeof(bytes));
	run_ws();
	assert_false(channel.held);
	fill(bytes, sizeof(bytes));
	ends(0);
	run_ws(); /* there is none any more that could be let go */
	fake_run();
	assert_non_null(strstr(buf_str(&told), "end:0:0 "));
}

static void relay_stopped_calls_nothing_any_more(void **state)
{
	(void)state;
	start_and_open();
	says(CHANNEL_OUT, "late");
	relay_stop(relay);
	fake_run();
	run_ws();
	assert_null(channel.ops);
	fake_run();
	assert_string_equal(buf_str(&told), "");
	/* Before it was opened, and when it has ended by itself meanwhile. */
	start_exec();
	relay_stop(relay);
	run_ws();
	assert_null(channel.ops);
	start_and_open();
	ends(0);
	relay_stop(relay);
	run_ws();
	fake_run();
	assert_string_equal(buf_str(&told), "");
	relay_stop(NULL);
}

static void relay_stopped_in_its_output_tells_no_end(void **state)
{
	(void)state;
	start_and_open();
	stop_in_output = true;
	says(CHANNEL_ERR, "oh");
	says(CHANNEL_OUT, "one");
	ends(0);
	fake_run();
	run_ws();
	assert_string_equal(buf_str(&told), "err:oh ");
}

static void relay_close_all_ends_those_there_and_those_that_come(void **state)
{
	(void)state;
	start_and_open();
	says(CHANNEL_OUT, "one");
	relay_close_all(relays);
	assert_null(channel.ops);
	fake_run();
	assert_string_equal(buf_str(&told), "out:one end:-108:0 ");
	start_exec();
	run_ws();
	assert_null(channel.ops);
	fake_run();
	assert_string_equal(buf_str(&told), "out:one end:-108:0 end:-108:0 ");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(relay_exec_hands_over_all_and_then_the_end),
		TEST(relay_forward_sends_its_input),
		TEST(relay_that_is_not_opened_says_why),
		TEST(relay_holds_the_connection_while_much_waits),
		TEST(relay_stopped_calls_nothing_any_more),
		TEST(relay_stopped_in_its_output_tells_no_end),
		TEST(relay_close_all_ends_those_there_and_those_that_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
