/* SPDX-License-Identifier: Apache-2.0 */
/* A command: the line that its shell is given, its process id, and its end when nobody reads. */
#include "fs/command.h"
#include "ws_fixture.h"

static struct command *command; /* ws thread */
static char said[4096];         /* what the shell was given */
static bool was_writable;       /* under t.call.mutex */

static void on_writable(void *data)
{
	struct channel_call *c = data;

	pthread_mutex_lock(&c->mutex);
	was_writable = true;
	pthread_mutex_unlock(&c->mutex);
}

static const struct command_ops ops = {
	.output = call_on_output,
	.writable = on_writable,
	.ended = call_on_ended,
};

static const char *const arguments[] = { "printf", "it's", "a\nb", "c\\d", "", NULL };

static void start(void)
{
	const struct command_spec spec = {
		.target = { "n", "p", "c" },
		.argv = arguments,
		.term = "",
		.ops = &ops,
		.data = &t.call,
	};
	struct error e = ERROR_INIT;

	assert_int_equal(command_start(t.ws, &spec, &command, &e), 0);
	assert_int_equal(command_room(command), 0);
}

static void stop(void)
{
	command_close(command);
}

static void begin(void (*serve)(struct ws_peer *p))
{
	was_writable = false;
	said[0] = '\0';
	ws_setup(serve, "v5.channel.k8s.io");
	pthread_mutex_init(&t.call.mutex, NULL);
	on_ws(start);
}

static bool is_writable(void)
{
	pthread_mutex_lock(&t.call.mutex);
	bool writable = was_writable;
	pthread_mutex_unlock(&t.call.mutex);
	return writable;
}

static unsigned upgrades(void)
{
	pthread_mutex_lock(&t.server.sockets.mutex);
	unsigned n = t.server.upgrades;
	pthread_mutex_unlock(&t.server.sockets.mutex);
	return n;
}

static void take_line(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	ws_peer_receive(p, &b);
	snprintf(said, sizeof(said), "%.*s", (int)b.len - 1, b.data + 1);
}

static void await_close(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	while (ws_peer_receive(p, &b) >= 0)
		;
}

/* The id in two pieces, the second with output behind it; the second exec is the killer. */
static void serve_shell(struct ws_peer *p)
{
	if (p->index == 0) {
		take_line(p);
		ws_peer_say(p, 1, "4");
		ws_peer_say(p, 1, "2\n7\nout");
		await_close(p);
	} else {
		ws_peer_say(p, 3, "{\"status\":\"Success\"}");
		ws_peer_close(p);
	}
}

static void command_closed_is_killed_with_its_session(void **state)
{
	(void)state;
	begin(serve_shell);
	wait_until(is_writable() && t.call.out.len == 5);
	assert_string_equal(buf_str(&t.call.out), "7\nout");
	assert_string_equal(said, "echo $$;exec 'printf' 'it'\\\\''s' 'a\\nb' 'c\\\\d' ''\n");
	on_ws(stop);
	wait_until(upgrades() == 2);
	assert_non_null(strstr(buf_str(&t.server.heads), "&command=42 HTTP/1.1"));
	assert_false(call_has_ended());
	ws_teardown();
}

/* Closed before the id has come: it is waited for. */
static void serve_late_shell(struct ws_peer *p)
{
	if (p->index > 0) {
		serve_shell(p);
		return;
	}
	take_line(p);
	poll(NULL, 0, 200);
	ws_peer_say(p, 1, "43\n");
	await_close(p);
}

static void command_closed_while_it_begins_is_killed_all_the_same(void **state)
{
	(void)state;
	begin(serve_late_shell);
	on_ws(stop);
	wait_until(upgrades() == 2);
	assert_non_null(strstr(buf_str(&t.server.heads), "&command=43 HTTP/1.1"));
	ws_teardown();
}

#define NO_SHELL                                                                                   \
	"{\"status\":\"Failure\",\"message\":\"exec: \\\"sh\\\": executable file not found in "    \
	"$PATH\",\"code\":500}"

static void serve_without_shell(struct ws_peer *p)
{
	if (p->index == 0) {
		ws_peer_say(p, 3, NO_SHELL);
	} else {
		ws_peer_say(p, 1, "12\n");
		ws_peer_say(p, 3, "{\"status\":\"Success\"}");
	}
	ws_peer_close(p);
}

static void command_without_a_shell_runs_as_it_is(void **state)
{
	(void)state;
	begin(serve_without_shell);
	wait_until(call_has_ended());
	assert_int_equal(t.call.end.r, 0);
	assert_int_equal(t.call.end.exit_code, 0);
	assert_string_equal(buf_str(&t.call.out), "12\n");
	assert_non_null(strstr(buf_str(&t.server.heads), "&command=printf&command=it%27s&"));
	ws_teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_closed_is_killed_with_its_session),
		cmocka_unit_test(command_closed_while_it_begins_is_killed_all_the_same),
		cmocka_unit_test(command_without_a_shell_runs_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
