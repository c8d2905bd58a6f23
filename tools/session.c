/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop over stdin, the socket and signals. Our output may block, which is how a slow reader
 * slows the weaver's command; the socket never does: while it takes nothing, stdin is not read.
 */
#include "tools/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/write.h"
#include "tools/cmd.h"
#include "tools/place.h"
#include "tools/terminal.h"

#define SESSION_DETACH_FIRST 0x10  /* Ctrl-P */
#define SESSION_DETACH_SECOND 0x11 /* Ctrl-Q */

enum session_state { SESSION_RUNS, SESSION_ENDED, SESSION_LOST, SESSION_DETACHED };

struct session {
	const struct session_request *request;
	int socket, signals; /* owned; signals -1: not raw */
	enum session_state state;
	bool input_ended, prefixed; /* the first detach key has been typed */
	struct buf out;             /* frames for the daemon */
	size_t sent;
	struct buf in; /* a frame that is not complete */
	uint32_t exit_code;
	struct buf sentence;
};

static void session_add_frame(struct session *s, enum wire_type type, const void *bytes, size_t len)
{
	const struct wire_head head = { .type = type, .len = (uint32_t)len };

	buf_add(&s->out, &head, sizeof(head));
	buf_add(&s->out, bytes, len);
}

/* False: over WIRE_REQUEST_MAX. */
static bool session_ask(struct session *s)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT;
	const struct session_request *r = s->request;
	struct wire_request head = {
		.version = WIRE_VERSION,
		.verb = r->verb,
		.flags = r->tty ? WIRE_TTY : 0,
	};
	const char *term = getenv("TERM");

	if (r->tty)
		terminal_size(&head.rows, &head.cols);
	buf_add(&body, &head, sizeof(head));
	buf_add(&body, term ? term : "", (term ? strlen(term) : 0) + 1);
	for (char **arg = r->argv; *arg; arg++)
		buf_add(&body, *arg, strlen(*arg) + 1);
	session_add_frame(s, WIRE_REQUEST, buf_str(&body), body.len);
	return body.len <= WIRE_REQUEST_MAX;
}

static void session_send_size(struct session *s)
{
	struct wire_size size;

	terminal_size(&size.rows, &size.cols);
	if (size.rows > 0 && size.cols > 0)
		session_add_frame(s, WIRE_SIZE, &size, sizeof(size));
}

/* ---- stdin ---- */

/* Bytes that go on, in place: all but the detach keys. As docker has it, the first one waits. */
static size_t session_filter_keys(struct session *s, const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool second = s->prefixed;
		s->prefixed = false;
		if (second && in[i] == SESSION_DETACH_SECOND) {
			s->state = SESSION_DETACHED;
			return n;
		}
		if (second)
			out[n++] = SESSION_DETACH_FIRST;
		if (in[i] == SESSION_DETACH_FIRST)
			s->prefixed = true;
		else
			out[n++] = in[i];
	}
	return n;
}

static void session_read_input(struct session *s)
{
	char bytes[WIRE_DATA_MAX / 2], keys[WIRE_DATA_MAX];

	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		s->input_ended = true;
		session_add_frame(s, WIRE_INPUT, NULL, 0);
		return;
	}
	if (s->request->detachable && s->request->tty) {
		size_t left = session_filter_keys(s, bytes, (size_t)n, keys);
		if (left > 0)
			session_add_frame(s, WIRE_INPUT, keys, left);
	} else {
		session_add_frame(s, WIRE_INPUT, bytes, (size_t)n);
	}
}

/* ---- the socket ---- */

static void session_send(struct session *s)
{
	while (s->sent < s->out.len) {
		ssize_t n = send(s->socket, s->out.data + s->sent, s->out.len - s->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		/* A daemon that has gone may have said why: that is still to be read. */
		if (n < 0)
			return;
		s->sent += (size_t)n;
	}
	buf_reset(&s->out);
	s->sent = 0;
}

static void session_frame(struct session *s, uint32_t type, const char *bytes, size_t len)
{
	if (type == WIRE_OUTPUT || type == WIRE_ERROUT) {
		int fd = type == WIRE_OUTPUT ? STDOUT_FILENO : STDERR_FILENO;
		int r = write_all(fd, bytes, len);
		if (r == 0 || fd == STDERR_FILENO)
			return;
		buf_printf(&s->sentence, "write error: %s", strerror(-r));
		s->exit_code = 1;
		s->state = SESSION_ENDED;
	} else if (type == WIRE_END && len >= sizeof(s->exit_code)) {
		memcpy(&s->exit_code, bytes, sizeof(s->exit_code));
		buf_add(&s->sentence, bytes + sizeof(s->exit_code), len - sizeof(s->exit_code));
		s->state = SESSION_ENDED;
	}
}

static void session_receive(struct session *s)
{
	size_t at = 0;

	if (buf_reserve(&s->in, 2 * WIRE_DATA_MAX) < 0) {
		s->state = SESSION_LOST;
		return;
	}
	ssize_t n = recv(s->socket, s->in.data + s->in.len, 2 * WIRE_DATA_MAX, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->state = SESSION_LOST;
		return;
	}
	s->in.len += (size_t)n;
	while (s->state == SESSION_RUNS && s->in.len - at >= sizeof(struct wire_head)) {
		struct wire_head head;
		memcpy(&head, s->in.data + at, sizeof(head));
		if (s->in.len - at - sizeof(head) < head.len)
			break;
		session_frame(s, head.type, s->in.data + at + sizeof(head), head.len);
		at += sizeof(head) + head.len;
	}
	buf_drop_front(&s->in, at);
}

static void session_read_signals(struct session *s)
{
	struct signalfd_siginfo signal;

	while (read(s->signals, &signal, sizeof(signal)) == sizeof(signal))
		if (terminal_obey(&signal))
			session_send_size(s);
}

static void session_turn(struct session *s)
{
	bool pending = s->sent < s->out.len;
	struct pollfd fds[] = {
		{ .fd = s->socket, .events = (short)(POLLIN | (pending ? POLLOUT : 0)) },
		{ .fd = pending || s->input_ended ? -1 : STDIN_FILENO, .events = POLLIN },
		{ .fd = s->signals, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return;
	if (fds[2].revents)
		session_read_signals(s);
	if (fds[0].revents & ~POLLOUT)
		session_receive(s);
	if (fds[1].revents && s->state == SESSION_RUNS)
		session_read_input(s);
	session_send(s);
	if (buf_error(&s->out) < 0)
		s->state = SESSION_LOST;
}

static int session_report(const struct session *s)
{
	switch (s->state) {
	case SESSION_DETACHED:
		complain_that("detached");
		return 0;
	case SESSION_ENDED:
		if (s->sentence.len > 0)
			complain_that("%s", buf_str(&s->sentence));
		return (int)(s->exit_code & 0xff);
	default:
		complain_that("the connection to weaverfs was lost");
		return WIRE_EXIT_LOST;
	}
}

static int session_open(const struct session_request *request, struct error *e)
{
	_cleanup_(cleanup_close) int dir = place_open(request->weaver, e);

	return dir < 0 ? dir : place_connect(dir, request->weaver, e);
}

int session_run(const struct session_request *request)
{
	struct error e = ERROR_INIT;
	struct session s = { .request = request, .signals = -1 };

	s.socket = session_open(request, &e);
	if (s.socket < 0) {
		complain_that("%s", e.text);
		return WIRE_EXIT_LOST;
	}
	if (!session_ask(&s)) {
		complain_that("the arguments are too long");
		return WIRE_EXIT_REFUSED;
	}
	if (request->tty)
		s.signals = terminal_raw();
	session_send(&s);
	while (s.state == SESSION_RUNS)
		session_turn(&s);
	terminal_restore();
	close(s.socket);
	int status = session_report(&s);
	buf_done(&s.out);
	buf_done(&s.in);
	buf_done(&s.sentence);
	return status;
}
