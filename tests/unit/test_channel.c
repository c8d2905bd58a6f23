/* SPDX-License-Identifier: Apache-2.0 */
/* Channels against a raw WebSocket server: framing, the end, flow, refusals. */
#include "ws_fixture.h"

#define SUCCESS "{\"metadata\":{},\"status\":\"Success\"}"
#define BIG (3U << 20)

static const char *const argv_true[] = { "true", NULL };

static void exec_and_wait(void (*serve)(struct ws_peer *p))
{
	ws_setup(serve, "v5.channel.k8s.io");
	call_exec(argv_true);
	wait_until(call_has_ended());
}

#define FRAME(p, opcode, literal) ws_peer_frame(p, opcode, literal, sizeof(literal) - 1)

static void serve_fragments(struct ws_peer *p)
{
	ws_peer_send(p, 1, NULL, 0);
	ws_peer_send(p, 2, NULL, 0);
	FRAME(p, WS_BINARY, "\001ab");
	FRAME(p, WS_FIN | WS_PING, "x");
	FRAME(p, WS_CONTINUATION, "\002c");
	FRAME(p, WS_FIN | WS_CONTINUATION, "d");
	ws_peer_say(p, 2, "oh");
	ws_peer_send(p, 3, NULL, 0);
	FRAME(p, WS_BINARY, "\003{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",");
	FRAME(p, WS_FIN | WS_CONTINUATION,
	      "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"7\"}]}}");
	ws_peer_say(p, 1, "late");
	ws_peer_close(p);
}

static void output_in_fragments_keeps_only_the_first_byte_as_channel(void **state)
{
	(void)state;
	exec_and_wait(serve_fragments);
	assert_int_equal(t.call.end.r, 0);
	assert_int_equal(t.call.end.exit_code, 7);
	assert_string_equal(buf_str(&t.call.out), "ab\002cdlate");
	assert_string_equal(buf_str(&t.call.err), "oh");
	assert_true(t.call.opened);
	ws_teardown();
}

static void serve_large(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	for (size_t i = 0; i < 100000; i++)
		buf_add_char(&b, (char)i);
	for (size_t len = 3000; len <= 100000; len += 9700)
		ws_peer_send(p, 1, b.data, len);
	ws_peer_say(p, 3, SUCCESS);
	ws_peer_close(p);
}

static void output_in_large_frames_is_whole(void **state)
{
	size_t at = 0;

	(void)state;
	exec_and_wait(serve_large);
	assert_int_equal(t.call.end.r, 0);
	assert_int_equal(t.call.end.exit_code, 0);
	for (size_t len = 3000; len <= 100000; len += 9700)
		for (size_t i = 0; i < len; i++)
			assert_int_equal(t.call.out.data[at++], (char)i);
	assert_int_equal(at, t.call.out.len);
	ws_teardown();
}

static void serve_no_status(struct ws_peer *p)
{
	ws_peer_say(p, 1, "all is well");
	ws_peer_close(p);
}

static void close_without_status_is_no_success(void **state)
{
	(void)state;
	exec_and_wait(serve_no_status);
	assert_int_equal(t.call.end.r, -ECONNRESET);
	ws_teardown();
}

static void serve_cut(struct ws_peer *p)
{
	ws_peer_say(p, 1, "half");
	p->cut = true;
}

static void connection_cut_is_lost(void **state)
{
	(void)state;
	exec_and_wait(serve_cut);
	assert_int_equal(t.call.end.r, -ECONNRESET);
	assert_non_null(strstr(t.call.end.error.text, "lost"));
	ws_teardown();
}

/* No close after the Status: the end does not wait for it for ever. */
static void serve_status_and_wait(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	ws_peer_say(p, 3, SUCCESS);
	while (ws_peer_receive(p, &b) >= 0)
		;
}

static void status_without_close_is_the_end(void **state)
{
	(void)state;
	exec_and_wait(serve_status_and_wait);
	assert_int_equal(t.call.end.r, 0);
	ws_teardown();
}

static const char *failure; /* for serve_failure */

static void serve_failure(struct ws_peer *p)
{
	char json[600];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"%s\",\"reason\":"
		 "\"InternalError\",\"details\":{\"causes\":[{\"message\":\"x\"}]},\"code\":500}",
		 failure);
	ws_peer_say(p, 3, json);
	ws_peer_close(p);
}

static void failure_of_the_runtime_is_told_by_its_words(void **state)
{
	static const struct {
		const char *text;
		int r, exit_code;
	} rows[] = {
		{ "unable to upgrade connection: container not found (\\\"weaver\\\")", -ENOTCONN,
		  0 },
		{ "container weaver not found in pod x_ns", -ENOTCONN, 0 },
		{ "exec: \\\"nope\\\": executable file not found in $PATH", 0, 127 },
		{ "exec: \\\"/x\\\": stat /x: no such file or directory", 0, 127 },
		{ "exec: \\\"/etc/passwd\\\": permission denied", 0, 126 },
		{ "something else", -EIO, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		failure = rows[i].text;
		exec_and_wait(serve_failure);
		assert_int_equal(t.call.end.r, rows[i].r);
		assert_int_equal(t.call.end.exit_code, rows[i].exit_code);
		assert_int_not_equal(t.call.end.error.text[0], '\0');
		ws_teardown();
	}
}

/* ---- input ---- */

static char kept[64 << 10]; /* frames that serve_keep() saw, as "CHANNEL:BYTES;" */

/* Until the half-close; then the exit status. */
static void serve_keep(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(buf_done) struct buf log = BUF_INIT;

	while (ws_peer_receive(p, &b) >= 0) {
		buf_printf(&log, "%d:", (unsigned char)b.data[0]);
		buf_add_escaped(&log, b.data + 1, b.len - 1);
		buf_add_char(&log, ';');
		if ((unsigned char)b.data[0] == 255)
			break;
	}
	snprintf(kept, sizeof(kept), "%s", buf_str(&log));
	ws_peer_say(p, 3, SUCCESS);
	ws_peer_close(p);
}

static void send_and_end(void)
{
	channel_resize(t.call.channel, 24, 80);
	channel_send(t.call.channel, "hello", 5);
	assert_true(channel_end_input(t.call.channel));
}

static bool call_is_open(void)
{
	pthread_mutex_lock(&t.call.mutex);
	bool open = t.call.opened;
	pthread_mutex_unlock(&t.call.mutex);
	return open;
}

static void input_then_half_close_arrive_in_order(void **state)
{
	(void)state;
	ws_setup(serve_keep, "v5.channel.k8s.io");
	call_exec(argv_true);
	on_ws(send_and_end);
	wait_until(call_has_ended());
	assert_int_equal(t.call.end.r, 0);
	assert_string_equal(kept, "4:{\"Width\":80,\"Height\":24};0:hello;255:\\x00;");
	ws_teardown();
}

static void expect_no_half_close(void)
{
	assert_false(channel_end_input(t.call.channel));
}

static void half_close_cannot_be_said_on_v4(void **state)
{
	(void)state;
	ws_setup(serve_status_and_wait, "v4.channel.k8s.io");
	call_exec(argv_true);
	wait_until(call_is_open());
	on_ws(expect_no_half_close);
	ws_teardown();
}

static size_t fed; /* ws thread */

static void feed(void)
{
	static char bytes[64 << 10];

	while (fed < BIG) {
		size_t room = channel_room(t.call.channel);
		size_t n = room < sizeof(bytes) ? room : sizeof(bytes);
		if (n > BIG - fed)
			n = BIG - fed;
		if (n == 0)
			return;
		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)((fed + i) % 251);
		channel_send(t.call.channel, bytes, n);
		fed += n;
	}
	channel_end_input(t.call.channel);
}

static void feed_on_writable(void *data)
{
	(void)data;
	feed();
}

static size_t counted;
static bool in_order;

static void serve_count(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	poll(NULL, 0, 200);
	while (ws_peer_receive(p, &b) >= 0 && (unsigned char)b.data[0] == 0)
		for (size_t i = 1; i < b.len; i++)
			in_order = in_order && b.data[i] == (char)(counted++ % 251);
	ws_peer_say(p, 3, SUCCESS);
	ws_peer_close(p);
}

static void input_beyond_the_room_waits_for_writable(void **state)
{
	static struct channel_ops ops;

	(void)state;
	ops = call_ops;
	ops.writable = feed_on_writable;
	fed = counted = 0;
	in_order = true;
	ws_setup(serve_count, "v5.channel.k8s.io");
	call_exec(argv_true);
	on_ws(feed); /* behind channel_open(): before the connection stands */
	assert_in_range(fed, CHANNEL_ROOM_MAX - 64, CHANNEL_ROOM_MAX);
	ws_teardown();
	fed = counted = 0;
	ws_setup(serve_count, "v5.channel.k8s.io");
	call_prepare(argv_true);
	t.call.spec.ops = &ops;
	ws_post(t.ws, &t.call.job);
	on_ws(feed);
	wait_until(call_has_ended());
	assert_int_equal(fed, BIG);
	assert_int_equal(counted, BIG);
	assert_true(in_order);
	ws_teardown();
}

/* ---- output waits ---- */

static void serve_flood(struct ws_peer *p)
{
	static char zeros[32 << 10];

	for (size_t sent = 0; sent < 4 * BIG; sent += sizeof(zeros))
		ws_peer_send(p, 1, zeros, sizeof(zeros));
	ws_peer_say(p, 3, SUCCESS);
	ws_peer_close(p);
}

static void hold(void)
{
	channel_hold(t.call.channel, true);
}

static void release(void)
{
	channel_hold(t.call.channel, false);
}

static size_t output_len(void)
{
	pthread_mutex_lock(&t.call.mutex);
	size_t len = t.call.out.len;
	pthread_mutex_unlock(&t.call.mutex);
	return len;
}

static void output_waits_while_it_is_held(void **state)
{
	(void)state;
	ws_setup(serve_flood, "v5.channel.k8s.io");
	call_exec(argv_true);
	wait_until(output_len() > 0);
	on_ws(hold);
	size_t len = output_len();
	poll(NULL, 0, 300);
	assert_int_equal(output_len(), len);
	on_ws(release);
	wait_until(call_has_ended());
	assert_int_equal(t.call.out.len, 4 * BIG);
	ws_teardown();
}

/* ---- refusals ---- */

#define STATUS_403                                                                                 \
	"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 108\r\n"      \
	"Connection: close\r\n\r\n"                                                                \
	"{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":403,\"reason\":\"Forbidden\","       \
	"\"message\":\"User \\\"u\\\" cannot create\"}      "

static void refused_upgrade_gives_the_servers_own_words(void **state)
{
	(void)state;
	t.server.refusal = t.server.plain = STATUS_403;
	ws_setup(serve_cut, "v5.channel.k8s.io");
	call_exec(argv_true);
	wait_until(call_has_ended());
	assert_int_equal(t.call.end.r, -EACCES);
	assert_string_equal(t.call.end.error.text, "User \"u\" cannot create");
	assert_false(t.call.opened);
	assert_int_equal(t.server.upgrades, 1);
	ws_teardown();
}

static void refused_upgrade_without_a_reason_is_tried_no_third_time(void **state)
{
	(void)state;
	t.server.refusal = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	ws_setup(serve_cut, "v5.channel.k8s.io");
	call_exec(argv_true);
	wait_until(call_has_ended());
	assert_int_equal(t.call.end.r, -ENOTCONN);
	assert_non_null(strstr(t.call.end.error.text, "HTTP 500"));
	assert_int_equal(t.server.upgrades, 1);
	assert_int_equal(t.server.plains, 2); /* a GET and a POST */
	ws_teardown();
}

static void server_that_is_not_there_is_unreachable(void **state)
{
	(void)state;
	t.server.refuses = true; /* shut down after listen(), its port would be anybody's */
	ws_setup(serve_cut, "v5.channel.k8s.io");
	call_exec(argv_true);
	wait_until(call_has_ended());
	assert_int_equal(t.call.end.r, -EHOSTUNREACH);
	ws_teardown();
}

static bool call_was_tried(void)
{
	pthread_mutex_lock(&t.call.mutex);
	bool tried = t.call.r != 0;
	pthread_mutex_unlock(&t.call.mutex);
	return tried;
}

static void command_too_long_is_refused_at_once(void **state)
{
	static char word[CHANNEL_PATH_MAX];
	const char *const argv[] = { word, NULL };

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	ws_setup(serve_cut, "v5.channel.k8s.io");
	call_exec(argv);
	wait_until(call_was_tried());
	assert_int_equal(t.call.r, -E2BIG);
	ws_teardown();
}

static void path_has_each_argument_encoded(void **state)
{
	static const char *const argv[] = { "a b", "", "&=\n", NULL };

	(void)state;
	ws_setup(serve_no_status, "v5.channel.k8s.io");
	call_exec(argv);
	wait_until(call_has_ended());
	assert_non_null(strstr(buf_str(&t.server.heads),
			       "GET /api/v1/namespaces/n/pods/p/exec?container=c&stdin=true&"
			       "stdout=true&stderr=true&command=a%20b&command=&"
			       "command=%26%3D%0A HTTP/1.1\r\n"));
	assert_non_null(strcasestr(buf_str(&t.server.heads),
				   "Sec-WebSocket-Protocol: v5.channel.k8s.io,v4.channel.k8s.io"));
	ws_teardown();
}

/* ---- forward ---- */

static void serve_forward(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	ws_peer_send(p, 0, "\x90", 1);
	ws_peer_send(p, 0,
		     "\x1f"
		     "data",
		     5);
	ws_peer_send(p, 1, "\x90\x1f", 2);
	ws_peer_receive(p, &b);
	ws_peer_send(p, 0, b.data + 1, b.len - 1);
	if (p->index == 1)
		ws_peer_say(p, 1, "error forwarding port 8080");
	ws_peer_close(p);
}

static void send_hello(void)
{
	channel_send(t.call.channel, "hello", 5);
}

static void forward_and_wait(void)
{
	call_prepare(argv_true);
	t.call.spec.kind = CHANNEL_FORWARD;
	t.call.spec.port = 8080;
	ws_post(t.ws, &t.call.job);
	on_ws(send_hello);
	wait_until(call_has_ended());
}

static void forward_drops_the_ports_and_tells_errors(void **state)
{
	(void)state;
	ws_setup(serve_forward, "v4.channel.k8s.io");
	forward_and_wait();
	assert_int_equal(t.call.end.r, 0);
	assert_string_equal(buf_str(&t.call.out), "datahello");
	assert_non_null(strstr(buf_str(&t.server.heads), "/pods/p/portforward?ports=8080 HTTP"));
	buf_reset(&t.call.out);
	t.call.ended = false;
	forward_and_wait();
	assert_int_equal(t.call.end.r, -ECONNREFUSED);
	assert_string_equal(t.call.end.error.text, "error forwarding port 8080");
	ws_teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_in_fragments_keeps_only_the_first_byte_as_channel),
		cmocka_unit_test(output_in_large_frames_is_whole),
		cmocka_unit_test(close_without_status_is_no_success),
		cmocka_unit_test(connection_cut_is_lost),
		cmocka_unit_test(status_without_close_is_the_end),
		cmocka_unit_test(failure_of_the_runtime_is_told_by_its_words),
		cmocka_unit_test(input_then_half_close_arrive_in_order),
		cmocka_unit_test(half_close_cannot_be_said_on_v4),
		cmocka_unit_test(input_beyond_the_room_waits_for_writable),
		cmocka_unit_test(output_waits_while_it_is_held),
		cmocka_unit_test(refused_upgrade_gives_the_servers_own_words),
		cmocka_unit_test(refused_upgrade_without_a_reason_is_tried_no_third_time),
		cmocka_unit_test(server_that_is_not_there_is_unreachable),
		cmocka_unit_test(command_too_long_is_refused_at_once),
		cmocka_unit_test(path_has_each_argument_encoded),
		cmocka_unit_test(forward_drops_the_ports_and_tells_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
