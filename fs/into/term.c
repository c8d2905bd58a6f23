/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions. A session reads frames while the command has room for input, and writes frames while
 * the client takes them; what the client does not take makes the channel wait. Reading stops with
 * the command's room, but a client that goes away is noticed all the same, by EPOLLRDHUP: it never
 * closes one direction alone, since the end of its input is an empty frame.
 */
#include "fs/into/term.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/list.h"
#include "k8s/ws.h"

/* Frames that wait for the client; beyond HIGH the channel is held, from LOW on it goes on. */
#define TERM_OUT_HIGH (256U << 10)
#define TERM_OUT_LOW (64U << 10)
#define TERM_READ_SIZE (64U << 10)
#define TERM_ARGS_MAX 4096
/* For a client that does not read its last frame. */
#define TERM_LINGER_MS 10000
/* How often, and how many times, it is asked whether the main process has ended: 10 s in all. */
#define TERM_VERDICT_MS 200
#define TERM_VERDICTS 50

struct terms {
	struct ws *ws;
	const struct term_ops *ops;
	struct list sessions; /* struct term */
};

struct term {
	struct list node;
	struct terms *terms;
	struct ws_fd fd; /* owned */
	struct ucred peer;
	void *place;             /* NULL: released */
	struct command *command; /* NULL: not begun, or over */
	bool asked;              /* its request has come */
	bool attached, input_ended, held, ended;
	struct buf in;  /* a frame that is not complete */
	struct buf out; /* frames */
	size_t sent;    /* of out */
	struct ws_timer linger, verdict;
	unsigned verdicts; /* that were asked for */
};

static void term_free_session(struct term *s)
{
	int fd = s->fd.fd;

	list_remove(&s->node);
	ws_timer_cancel(&s->linger);
	ws_timer_cancel(&s->verdict);
	ws_fd_unwatch(s->terms->ws, &s->fd);
	close(fd);
	command_close(s->command);
	s->terms->ops->released(s->place);
	buf_wipe(&s->in);
	buf_wipe(&s->out);
	free(s);
}

/* ---- to the client ---- */

static void term_add_frame(struct term *s, enum wire_type type, const void *a, size_t a_len,
			   const void *b, size_t b_len)
{
	const struct wire_head head = { .type = type, .len = (uint32_t)(a_len + b_len) };

	buf_add(&s->out, &head, sizeof(head));
	buf_add(&s->out, a, a_len);
	buf_add(&s->out, b, b_len);
}

/* What it waits for: input only while the command takes some. */
static void term_watch(struct term *s)
{
	uint32_t events = EPOLLRDHUP;

	if (s->sent < s->out.len)
		events |= EPOLLOUT;
	if (!s->asked || (s->command && command_room(s->command) >= WIRE_DATA_MAX))
		events |= EPOLLIN;
	ws_fd_change(s->terms->ws, &s->fd, events);
}

/* False: the client has gone. */
static bool term_flush(struct term *s)
{
	while (s->sent < s->out.len) {
		ssize_t n = send(s->fd.fd, s->out.data + s->sent, s->out.len - s->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		s->sent += (size_t)n;
	}
	if (s->sent == s->out.len) {
		buf_reset(&s->out);
		s->sent = 0;
	} else if (s->sent > TERM_OUT_HIGH) {
		buf_drop_front(&s->out, s->sent);
		s->sent = 0;
	}
	size_t left = s->out.len - s->sent;
	bool hold = left > TERM_OUT_HIGH || (s->held && left > TERM_OUT_LOW);
	if (s->command && hold != s->held)
		command_hold(s->command, hold);
	s->held = hold;
	return buf_error(&s->out) == 0;
}

static void term_linger(struct ws_timer *t)
{
	term_free_session(container_of(t, struct term, linger));
}

/* The last frame: code, and a sentence where there is one. */
static void term_end(struct term *s, int exit_code, const char *text)
{
	uint32_t code = (uint32_t)exit_code;

	ws_timer_cancel(&s->verdict);
	s->ended = true;
	s->asked = true;
	term_add_frame(s, WIRE_END, &code, sizeof(code), text, strlen(text));
	ws_timer_set(s->terms->ws, &s->linger, TERM_LINGER_MS, term_linger);
	/* Sent, or not, when the socket says so: nobody is freed from inside a call. */
	ws_fd_change(s->terms->ws, &s->fd, EPOLLOUT | EPOLLRDHUP);
}

static bool term_parse(struct term *s);

/* ---- from the command; the last that it does in a call, so s may be freed in it ---- */

static void term_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct term *s = data;

	while (len > 0) {
		size_t n = len < WIRE_DATA_MAX ? len : WIRE_DATA_MAX;
		term_add_frame(s, stream == CHANNEL_ERR ? WIRE_ERROUT : WIRE_OUTPUT, bytes, n, NULL,
			       0);
		bytes += n;
		len -= n;
	}
	/* A client that has gone is found by its socket's event. */
	term_flush(s);
	term_watch(s);
}

/* Frames that had come may be waiting for this, and nothing else from the socket. */
static void term_writable(void *data)
{
	struct term *s = data;

	if (term_parse(s))
		term_watch(s);
	else
		term_free_session(s);
}

/* The pod's status follows the end of its process by a second or two. */
static void term_verdict(struct ws_timer *t)
{
	struct term *s = container_of(t, struct term, verdict);
	struct error e = ERROR_INIT;
	int exit_code = 0;

	int r = s->terms->ops->main_ended(s->place, &exit_code, &e);
	if (r == -EAGAIN && ++s->verdicts < TERM_VERDICTS)
		ws_timer_set(s->terms->ws, t, TERM_VERDICT_MS, term_verdict);
	else
		term_end(s, r < 0 ? WIRE_EXIT_LOST : exit_code, e.text);
}

static void term_ended(void *data, const struct channel_end *end)
{
	struct term *s = data;

	s->command = NULL;
	if (s->attached && end->r == 0)
		ws_timer_set(s->terms->ws, &s->verdict, 0, term_verdict);
	else
		term_end(s, end->r < 0 ? WIRE_EXIT_LOST : end->exit_code, end->error.text);
}

static const struct command_ops term_command_ops = {
	.output = term_output,
	.writable = term_writable,
	.ended = term_ended,
};

/* ---- from the client ---- */

/* A shell of the person's: bash where there is one. */
static const char *const term_login[] = {
	"sh", "-c", "command -v bash >/dev/null 2>&1&&exec bash -l;exec sh -l", NULL
};

/* The strings after the request: $TERM, then argv with a NULL. -EINVAL: not terminated, or none. */
static int term_parse_strings(const char *bytes, size_t len, const char **argv, size_t room,
			      const char **ret_term, size_t *ret_n, struct error *e)
{
	size_t n = 0;

	if (len == 0 || bytes[len - 1] != '\0')
		return error_set(e, EINVAL, "malformed request");
	*ret_term = bytes;
	for (const char *p = bytes + strlen(bytes) + 1; p < bytes + len; p += strlen(p) + 1) {
		if (n + 1 == room)
			return error_set(e, E2BIG, "over %zu arguments", room - 1);
		argv[n++] = p;
	}
	argv[n] = NULL;
	*ret_n = n;
	return 0;
}

static int term_start(struct term *s, const struct wire_request *request, const char *term,
		      const char **argv, size_t n, struct error *e)
{
	const struct term_request asked = { (enum wire_verb)request->verb,
					    request->flags & WIRE_TTY, s->peer };
	struct command_spec spec = {
		.argv = argv,
		.tty = asked.tty,
		.term = term,
		.rows = request->rows,
		.cols = request->cols,
		.ops = &term_command_ops,
		.data = s,
	};
	bool main_tty = false;

	int r = s->terms->ops->resolve(s->place, &asked, &spec.target, &main_tty, e);
	if (r < 0)
		return r;
	if (asked.verb == WIRE_ATTACH) {
		s->attached = true;
		spec.argv = NULL;
		spec.tty = main_tty;
	} else if (asked.verb == WIRE_SHELL) {
		argv[-1] = "sh";
		spec.argv = n == 0 && asked.tty ? term_login : argv - 1;
	} else if (asked.verb != WIRE_EXEC || n == 0) {
		return error_set(e, EINVAL, "no command given");
	}
	return command_start(s->terms->ws, &spec, &s->command, e);
}

static void term_request(struct term *s, const char *bytes, size_t len)
{
	struct wire_request request;
	struct error e = ERROR_INIT;
	const char *term = "";
	size_t n = 0;
	int r;

	s->asked = true;
	/* One more in front, for the shell's own name. */
	_cleanup_(cleanup_free) const char **argv = calloc(TERM_ARGS_MAX + 2, sizeof(*argv));
	if (!argv) {
		r = error_oom(&e);
	} else if (len < sizeof(request)) {
		r = error_set(&e, EINVAL, "malformed request");
	} else {
		memcpy(&request, bytes, sizeof(request));
		r = request.version == WIRE_VERSION
			    ? term_parse_strings(bytes + sizeof(request), len - sizeof(request),
						 argv + 1, TERM_ARGS_MAX + 1, &term, &n, &e)
			    : error_set(&e, EPROTO,
					"weaver and weaverfs are of different versions");
	}
	if (r == 0)
		r = term_start(s, &request, term, argv + 1, n, &e);
	if (r < 0)
		term_end(s, r == -E2BIG ? WIRE_EXIT_REFUSED : WIRE_EXIT_LOST, e.text);
}

/* False: it talks nonsense, or too early. */
static bool term_frame(struct term *s, const struct wire_head *head, const char *bytes)
{
	struct wire_size size;

	if (!s->asked) {
		if (head->type != WIRE_REQUEST)
			return false;
		term_request(s, bytes, head->len);
		return true;
	}
	/* What a client sends while it does not know yet that all is over. */
	if (!s->command)
		return true;
	switch (head->type) {
	case WIRE_INPUT:
		if (s->input_ended)
			return false;
		s->input_ended = head->len == 0;
		if (s->input_ended)
			command_end_input(s->command);
		else
			command_send(s->command, bytes, head->len);
		return true;
	case WIRE_SIZE:
		if (head->len != sizeof(size))
			return false;
		memcpy(&size, bytes, sizeof(size));
		command_resize(s->command, size.rows, size.cols);
		return true;
	default:
		return false;
	}
}

static size_t term_frame_max(const struct term *s)
{
	return s->asked ? WIRE_DATA_MAX : WIRE_REQUEST_MAX;
}

/* Frames that are complete, as long as there is room. False: the session is over. */
static bool term_parse(struct term *s)
{
	size_t at = 0;
	bool good = true;

	while (good && s->in.len - at >= sizeof(struct wire_head)) {
		struct wire_head head;
		memcpy(&head, s->in.data + at, sizeof(head));
		if (head.len > term_frame_max(s))
			return false;
		if (s->in.len - at - sizeof(head) < head.len)
			break;
		if (s->command && command_room(s->command) < WIRE_DATA_MAX)
			break;
		good = term_frame(s, &head, s->in.data + at + sizeof(head));
		at += sizeof(head) + head.len;
	}
	buf_drop_front(&s->in, at);
	return good;
}

static bool term_read(struct term *s)
{
	if (buf_reserve(&s->in, TERM_READ_SIZE) < 0)
		return false;
	ssize_t n = recv(s->fd.fd, s->in.data + s->in.len, TERM_READ_SIZE, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	s->in.len += (size_t)n;
	return true;
}

static void term_ready(struct ws_fd *f, uint32_t events)
{
	struct term *s = container_of(f, struct term, fd);
	bool good = !(events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP));

	if (good && (events & EPOLLIN) && !s->ended)
		good = term_read(s);
	if (good && !s->ended)
		good = term_parse(s);
	if (good)
		good = term_flush(s);
	if (!good || (s->ended && s->sent == s->out.len)) {
		term_free_session(s);
		return;
	}
	term_watch(s);
}

/* ---- life ---- */

int term_new(struct ws *w, const struct term_ops *ops, struct terms **ret, struct error *e)
{
	struct terms *t = calloc(1, sizeof(*t));

	if (!t)
		return error_oom(e);
	t->ws = w;
	t->ops = ops;
	list_init(&t->sessions);
	*ret = t;
	return 0;
}

void term_free(struct terms *t)
{
	if (!t)
		return;
	list_for_each(s, &t->sessions, struct term, node) {
		if (!s->ended)
			term_end(s, WIRE_EXIT_LOST, "weaverfs has ended");
		term_flush(s);
		term_free_session(s);
	}
	free(t);
}

void term_accept(struct terms *t, int fd, const struct ucred *peer, void *place)
{
	struct term *s = calloc(1, sizeof(*s));

	if (!s || ws_fd_watch(t->ws, &s->fd, fd, EPOLLIN | EPOLLRDHUP, term_ready) < 0) {
		free(s);
		close(fd);
		t->ops->released(place);
		return;
	}
	s->terms = t;
	s->peer = *peer;
	s->place = place;
	list_push_back(&t->sessions, &s->node);
}
