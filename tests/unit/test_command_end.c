/* SPDX-License-Identifier: Apache-2.0 */
/* The second exec that ends a command: what it is asked to do, and when it is tried again. */
#include "fs/into/command_end.c"
#include "ws_fixture.h"

static bool hangup;
static bool none_left;

static void start(void)
{
	const struct command_target target = { "n", "p", "c" };

	command_end_start(t.ws, &target, "4242", hangup);
}

static void look(void)
{
	none_left = list_empty(&command_ends);
}

static void begin(void (*serve)(struct ws_peer *p), bool by_hangup)
{
	hangup = by_hangup;
	ws_setup(serve, "v5.channel.k8s.io");
	on_ws(start);
}

static void await_the_end(void)
{
	for (int i = 0; i < 1000; i++) {
		on_ws(look);
		if (none_left)
			return;
		usleep(10000);
	}
	fail_msg("it is still being tried");
}

/* Whether a request had this in it; after the end. */
static bool asked_for(const char *text)
{
	return strstr(buf_str(&t.server.heads), text);
}

static void serve_success(struct ws_peer *p)
{
	ws_peer_say(p, 3, "{\"metadata\":{},\"status\":\"Success\"}");
	ws_peer_close(p);
}

/* The first is lost on its way. */
static void serve_second(struct ws_peer *p)
{
	if (p->index > 0)
		serve_success(p);
	else
		p->cut = true;
}

static void session_of_the_process_gets_sigterm_and_then_sigkill(void **state)
{
	(void)state;
	begin(serve_success, false);
	await_the_end();
	assert_int_equal(ws_server_upgrades(&t.server), 1);
	assert_true(asked_for("command=4242"));
	assert_true(asked_for("TERM"));
	assert_true(asked_for("KILL"));
	assert_false(asked_for("HUP"));
	ws_teardown();
}

static void terminal_that_is_closed_hangs_up(void **state)
{
	(void)state;
	begin(serve_success, true);
	await_the_end();
	assert_true(asked_for("HUP"));
	assert_true(asked_for("CONT"));
	assert_false(asked_for("KILL"));
	ws_teardown();
}

static void lost_connection_is_tried_again(void **state)
{
	(void)state;
	begin(serve_second, false);
	await_the_end();
	assert_int_equal(ws_server_upgrades(&t.server), 2);
	ws_teardown();
}

static void pod_that_is_gone_is_not(void **state)
{
	(void)state;
	t.server.refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	t.server.plain =
		"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
		"Connection: close\r\nContent-Length: 65\r\n\r\n"
		"{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"no p\",\"code\":404}";
	begin(serve_success, false);
	await_the_end();
	assert_int_equal(ws_server_upgrades(&t.server), 1);
	ws_teardown();
}

static void end_of_the_daemon_gives_up_what_waits(void **state)
{
	(void)state;
	begin(serve_second, false);
	while (ws_server_upgrades(&t.server) == 0)
		usleep(1000);
	on_ws(command_end_give_up);
	await_the_end();
	assert_int_equal(ws_server_upgrades(&t.server), 1);
	ws_teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_of_the_process_gets_sigterm_and_then_sigkill),
		cmocka_unit_test(terminal_that_is_closed_hangs_up),
		cmocka_unit_test(lost_connection_is_tried_again),
		cmocka_unit_test(pod_that_is_gone_is_not),
		cmocka_unit_test(end_of_the_daemon_gives_up_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
