/* SPDX-License-Identifier: Apache-2.0 */
/* A client of k8s/base/wire.h, well behaved and not, against fs/into/term.c. */
#include <sys/socket.h>

#include "fs/into/term.h"
#include "wrap_fixture.h"

static struct terms *terms; /* ws thread */
static int client, theirs;
static int resolve_result;
static int main_result;
static unsigned main_asked;
static unsigned released;
static char said[4096]; /* what the shell was given */

static int resolve(void *place, const struct term_request *request, struct command_target *ret,
		   bool *ret_tty, struct error *e)
{
	(void)place;
	(void)request;
	*ret = (struct command_target){ "n", "p", "c" };
	*ret_tty = false;
	return resolve_result ? error_set(e, -resolve_result, "not now") : 0;
}

static void release_place(void *place)
{
	(void)place;
	__atomic_add_fetch(&released, 1, __ATOMIC_SEQ_CST);
}

/* Of an attach: asked twice before it is known. */
static int main_ended(void *place, int *ret_exit_code, struct error *e)
{
	(void)place;
	if (main_result == -EAGAIN && ++main_asked == 2)
		main_result = 0;
	*ret_exit_code = 9;
	return main_result ? error_set(e, -main_result, "who knows") : 0;
}

static const struct term_ops ops = { resolve, main_ended, release_place };

static void connect_client(void)
{
	const struct ucred peer = { .uid = 1 };
	struct error e = ERROR_INIT;

	assert_int_equal(term_new(t.ws, &ops, &terms, &e), 0);
	term_accept(terms, theirs, &peer, NULL);
}

static void end_terms(void)
{
	term_free(terms);
}

/* Obeys, echoes its input until its end, and exits with 3. */
static void serve_shell(struct ws_peer *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	if (p->index > 0) {
		ws_peer_close(p); /* the killer's */
		return;
	}
	wrap_take_line(p, said, sizeof(said));
	ws_peer_say(p, 1, "42\n");
	while (ws_peer_receive(p, &b) >= 0 && b.data[0] == 0)
		ws_peer_send(p, 1, b.data + 1, b.len - 1);
	ws_peer_say(p, 2, "oh");
	wrap_say_trailer(p, 1, 3, 0);
	wrap_say_trailer(p, 2, 3, 0);
	ws_peer_say(p, 3,
		    "{\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":"
		    "\"ExitCode\",\"message\":\"3\"}]}}");
	ws_peer_close(p);
}

static void begin_with(void (*serve)(struct ws_peer *p), int result)
{
	const struct timeval patience = { .tv_sec = 10 };
	int fds[2];

	resolve_result = result;
	main_asked = 0;
	released = 0;
	ws_setup(serve, "v5.channel.k8s.io");
	pthread_mutex_init(&t.call.mutex, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	client = fds[0];
	theirs = fds[1];
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	on_ws(connect_client);
}

static void begin(int result)
{
	begin_with(serve_shell, result);
}

static void end(void)
{
	on_ws(end_terms);
	assert_int_equal(released, 1);
	close(client);
	ws_teardown();
}

static void frame_put(uint32_t type, const void *bytes, size_t len)
{
	const struct wire_head head = { type, (uint32_t)len };

	socket_write(client, &head, sizeof(head));
	socket_write(client, bytes, len);
}

static void request_put(uint32_t version, const char *strings, size_t len)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct wire_request request = { .version = version, .verb = WIRE_SHELL };

	buf_add(&b, &request, sizeof(request));
	buf_add(&b, strings, len);
	frame_put(WIRE_REQUEST, b.data, b.len);
}

/* The next frame's type, 0: none comes any more. */
static uint32_t frame_get(char *text, size_t size)
{
	struct wire_head head;

	if (!ws_server_read(client, &head, sizeof(head)))
		return 0;
	assert_true(head.len < size);
	assert_true(ws_server_read(client, text, head.len));
	text[head.len] = '\0';
	return head.type;
}

#define REQUEST "xterm\0-c\0it's"

static void shell_gets_its_arguments_and_input_and_gives_its_exit_code(void **state)
{
	char text[256];

	(void)state;
	begin(0);
	request_put(WIRE_VERSION, REQUEST, sizeof(REQUEST));
	frame_put(WIRE_INPUT, "hello", 5);
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_OUTPUT);
	assert_string_equal(text, "hello");
	frame_put(WIRE_INPUT, NULL, 0);
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_ERROUT);
	assert_string_equal(text, "oh");
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_END);
	assert_int_equal(text[0], 3);
	assert_int_equal(text[4], '\0');
	assert_int_equal(frame_get(text, sizeof(text)), 0);
	assert_string_equal(said, "exec 'sh' '-c' 'it'\\\\''s'");
	end();
}

static void refusal_is_a_sentence(void **state)
{
	char text[256];

	(void)state;
	begin(-EACCES);
	request_put(WIRE_VERSION, REQUEST, sizeof(REQUEST));
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_END);
	assert_int_equal((unsigned char)text[0], WIRE_EXIT_LOST);
	assert_string_equal(text + 4, "not now");
	end();
}

static void another_version_is_told_so(void **state)
{
	char text[256];

	(void)state;
	begin(0);
	request_put(WIRE_VERSION + 1, REQUEST, sizeof(REQUEST));
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_END);
	assert_non_null(strstr(text + 4, "versions"));
	end();
}

static void request_that_is_cut_is_malformed(void **state)
{
	char text[256];

	(void)state;
	begin(0);
	request_put(WIRE_VERSION, "xterm", 5);
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_END);
	assert_string_equal(text + 4, "malformed request");
	end();
}

static void input_before_the_request_ends_the_session(void **state)
{
	char text[256];

	(void)state;
	begin(0);
	frame_put(WIRE_INPUT, "x", 1);
	assert_int_equal(frame_get(text, sizeof(text)), 0);
	end();
}

static void input_after_its_end_ends_the_session(void **state)
{
	char text[256];

	(void)state;
	begin(0);
	request_put(WIRE_VERSION, REQUEST, sizeof(REQUEST));
	frame_put(WIRE_INPUT, NULL, 0);
	frame_put(WIRE_INPUT, "x", 1);
	while (frame_get(text, sizeof(text)) == WIRE_ERROUT)
		;
	end();
}

static void frame_too_long_ends_the_session(void **state)
{
	const struct wire_head head = { WIRE_REQUEST, WIRE_REQUEST_MAX + 1 };
	char text[256];

	(void)state;
	begin(0);
	socket_write(client, &head, sizeof(head));
	assert_int_equal(frame_get(text, sizeof(text)), 0);
	end();
}

/* As a server does whose node has gone, and one whose process has ended. */
static void serve_success(struct ws_peer *p)
{
	ws_peer_say(p, 3, "{\"metadata\":{},\"status\":\"Success\"}");
	ws_peer_close(p);
}

static void attach(int result, char *text, size_t size)
{
	const struct {
		struct wire_request request;
		char term[6];
	} asked = { { .version = WIRE_VERSION, .verb = WIRE_ATTACH }, "xterm" };

	main_result = result;
	begin_with(serve_success, 0);
	frame_put(WIRE_REQUEST, &asked, sizeof(asked.request) + sizeof(asked.term));
	assert_int_equal(frame_get(text, size), WIRE_END);
	end();
}

static void attach_gives_the_exit_code_of_the_process_when_it_is_known(void **state)
{
	char text[256];

	(void)state;
	attach(-EAGAIN, text, sizeof(text));
	assert_int_equal(main_asked, 2);
	assert_int_equal(text[0], 9);
	assert_string_equal(text + 4, "");
}

static void attach_to_what_is_not_known_to_have_ended_is_lost(void **state)
{
	char text[256];

	(void)state;
	attach(-ENOENT, text, sizeof(text));
	assert_int_equal((unsigned char)text[0], WIRE_EXIT_LOST);
	assert_string_equal(text + 4, "who knows");
}

static void end_of_the_daemon_is_told(void **state)
{
	char text[256];

	(void)state;
	begin(0);
	on_ws(end_terms);
	assert_int_equal(frame_get(text, sizeof(text)), WIRE_END);
	assert_string_equal(text + 4, "weaverfs has ended");
	assert_int_equal(released, 1);
	close(client);
	ws_teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shell_gets_its_arguments_and_input_and_gives_its_exit_code),
		cmocka_unit_test(refusal_is_a_sentence),
		cmocka_unit_test(another_version_is_told_so),
		cmocka_unit_test(request_that_is_cut_is_malformed),
		cmocka_unit_test(input_before_the_request_ends_the_session),
		cmocka_unit_test(input_after_its_end_ends_the_session),
		cmocka_unit_test(frame_too_long_ends_the_session),
		cmocka_unit_test(attach_gives_the_exit_code_of_the_process_when_it_is_known),
		cmocka_unit_test(attach_to_what_is_not_known_to_have_ended_is_lost),
		cmocka_unit_test(end_of_the_daemon_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
