/* SPDX-License-Identifier: Apache-2.0 */
/* A command: the line that its shell is given, its process id, and its end when nobody reads. */
#include "fs/into/command.h"
#include "wrap_fixture.h"

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
		wrap_take_line(p, said, sizeof(said));
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
	assert_string_equal(said, "exec 'printf' 'it'\\\\''s' 'a\\nb' 'c\\\\d' ''");
	on_ws(stop);
	wait_until(ws_server_upgrades(&t.server) == 2);
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
	wrap_take_line(p, said, sizeof(said));
	poll(NULL, 0, 200);
	ws_peer_say(p, 1, "43\n");
	await_close(p);
}

static void command_closed_while_it_begins_is_killed_all_the_same(void **state)
{
	(void)state;
	begin(serve_late_shell);
	on_ws(stop);
	wait_until(ws_server_upgrades(&t.server) == 2);
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

#define SUCCESS "{\"status\":\"Success\"}"
#define EXIT(code)                                                                                 \
	"{\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\","       \
	"\"message\":\"" code "\"}]}}"

/* What the server says of the one command, and whether a killer comes. */
static struct {
	const char *out, *status;
	int trailers, background;
} script;

static void serve_script(struct ws_peer *p)
{
	if (p->index > 0) {
		ws_peer_say(p, 3, SUCCESS);
		ws_peer_close(p);
		return;
	}
	wrap_take_line(p, said, sizeof(said));
	ws_peer_say(p, 1, script.out);
	for (int stream = 1; stream <= script.trailers; stream++)
		wrap_say_trailer(p, stream, 5, script.background);
	if (script.background)
		ws_peer_say(p, 1, "late");
	if (script.status) {
		ws_peer_say(p, 3, script.status);
		ws_peer_close(p);
	} else {
		await_close(p);
	}
}

static void run_script(const char *out, int trailers, int background, const char *status)
{
	script.out = out;
	script.trailers = trailers;
	script.background = background;
	script.status = status;
	begin(serve_script);
	wait_until(call_has_ended());
}

/* The server's Success would come a second later, and might never be true. */
static void command_with_both_trailers_ends_by_itself(void **state)
{
	(void)state;
	run_script("7\ntail", 2, 0, NULL);
	assert_int_equal(t.call.end.r, 0);
	assert_int_equal(t.call.end.exit_code, 5);
	assert_string_equal(buf_str(&t.call.out), "tail");
	assert_int_equal(t.call.err.len, 0);
	assert_int_equal(ws_server_upgrades(&t.server), 1);
	ws_teardown();
}

static void command_with_a_background_ends_when_the_server_says_so(void **state)
{
	(void)state;
	run_script("7\nout", 2, 1, SUCCESS);
	assert_int_equal(t.call.end.r, 0);
	assert_int_equal(t.call.end.exit_code, 5);
	assert_string_equal(buf_str(&t.call.out), "outlate");
	ws_teardown();
}

static void assert_lost(void)
{
	assert_int_equal(t.call.end.r, -ECONNRESET);
	assert_non_null(strstr(t.call.end.error.text, "output may be missing"));
}

static void command_without_a_trailer_is_lost_whatever_the_server_says(void **state)
{
	(void)state;
	run_script("7\nta", 0, 0, SUCCESS);
	assert_lost();
	assert_string_equal(buf_str(&t.call.out), "ta");
	wait_until(ws_server_upgrades(&t.server) == 2);
	ws_teardown();
	run_script("7\ntail", 1, 0, SUCCESS);
	assert_lost();
	ws_teardown();
	run_script("7\n", 0, 0, EXIT("5"));
	assert_lost();
	ws_teardown();
	run_script("", 0, 0, SUCCESS);
	assert_lost();
	ws_teardown();
}

static void command_killed_with_its_shell_has_the_servers_code(void **state)
{
	(void)state;
	run_script("7\nout", 0, 0, EXIT("143"));
	assert_int_equal(t.call.end.r, 0);
	assert_int_equal(t.call.end.exit_code, 143);
	ws_teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_closed_is_killed_with_its_session),
		cmocka_unit_test(command_closed_while_it_begins_is_killed_all_the_same),
		cmocka_unit_test(command_without_a_shell_runs_as_it_is),
		cmocka_unit_test(command_with_both_trailers_ends_by_itself),
		cmocka_unit_test(command_with_a_background_ends_when_the_server_says_so),
		cmocka_unit_test(command_without_a_trailer_is_lost_whatever_the_server_says),
		cmocka_unit_test(command_killed_with_its_shell_has_the_servers_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
