/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that is asked for is a shell that prints its process id as the first line of output,
 * which we keep, and runs the command (command_wrap.h). The id is of the container's own namespace,
 * and how the command is ended (command_end.h).
 *
 * A container without a shell gets the command as it is, as far as it fits into a request line; it
 * cannot be ended then, and whether something is lost cannot be known.
 */
#include "fs/into/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/into/command_end.h"
#include "fs/into/command_wrap.h"
#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/ws.h"

#define COMMAND_PID_MAX 16
/* The kubelet may still be passing on what came before a close. */
#define COMMAND_LINGER_MS 1000
/* Exit codes beyond are of a signal. */
#define COMMAND_EXIT_SIGNAL 128

enum command_state {
	COMMAND_BEGINNING, /* its process id has not come yet */
	COMMAND_RUNS,
};

struct command {
	struct ws *ws;
	struct channel *channel;
	const struct command_ops *ops;
	void *data;
	char *namespace_, *pod, *container; /* owned */
	char **argv;                        /* owned, with its strings; NULL: attached */
	bool tty, wrapped, input_only;
	unsigned rows, cols; /* of the terminal, the last that is known */
	enum command_state state;
	struct ws_timer runs, linger, done;
	bool input_ended; /* while it began */
	bool failed;      /* out of memory: output is missing */
	char pid[COMMAND_PID_MAX];
	size_t pid_len;
	char mark[UUID_LEN + 1];
	struct command_wrap out, err; /* wrapped: as they have come so far */
};

static const struct channel_ops command_channel_ops;

/* ---- its life ---- */

static void command_kill(const struct command *c)
{
	const struct command_target target = { c->namespace_, c->pod, c->container };

	command_end_start(c->ws, &target, c->pid, c->tty);
}

static void command_free(struct command *c)
{
	ws_timer_cancel(&c->runs);
	ws_timer_cancel(&c->linger);
	ws_timer_cancel(&c->done);
	channel_close(c->channel);
	for (char **arg = c->argv; arg && *arg; arg++)
		free(*arg);
	free(c->argv);
	free(c->namespace_);
	free(c->pod);
	free(c->container);
	free(c);
}

static char **command_copy_argv(const char *const *argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	char **copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(argv[i]);
		if (copy[i])
			continue;
		while (i > 0)
			free(copy[--i]);
		free(copy);
		return NULL;
	}
	return copy;
}

static int command_open(struct command *c, const char *const *argv, struct error *e)
{
	const struct channel_spec channel = {
		.kind = argv ? CHANNEL_EXEC : CHANNEL_ATTACH,
		.namespace_ = c->namespace_,
		.pod = c->pod,
		.container = c->container,
		.argv = argv,
		.in = true,
		.out = !c->input_only,
		.err = !c->input_only,
		.tty = c->tty,
		.rows = c->rows,
		.cols = c->cols,
		.ops = &command_channel_ops,
		.data = c,
	};

	return channel_open(c->ws, &channel, &c->channel, e);
}

/* The line may be longer than the channel's room: nothing else is queued before it is gone. */
static int command_open_wrapped(struct command *c, struct error *e)
{
	static const char *const boot[] = { "sh", "-c", COMMAND_WRAP_BOOT, NULL };
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	command_wrap_add_line(&line, c->argv, c->mark);
	if (buf_error(&line) < 0)
		return error_oom(e);
	c->wrapped = true;
	int r = command_open(c, boot, e);
	if (r == 0)
		channel_send(c->channel, line.data, line.len);
	return r;
}

/* sh -c 'echo $$…' xterm MARK PROGRAM ARGUMENT… */
static int command_open_terminal(struct command *c, const struct command_spec *spec,
				 struct error *e)
{
	size_t n = 0;

	while (spec->argv[n])
		n++;
	_cleanup_(cleanup_free) const char **argv = calloc(n + 6, sizeof(*argv));
	if (!argv)
		return error_oom(e);
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = command_wrap_terminal;
	argv[3] = spec->term;
	argv[4] = c->mark;
	memcpy(argv + 5, spec->argv, n * sizeof(*argv));
	c->wrapped = true;
	return command_open(c, argv, e);
}

int command_start(struct ws *w, const struct command_spec *spec, struct command **ret,
		  struct error *e)
{
	struct command *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_oom(e);
	c->ws = w;
	c->ops = spec->ops;
	c->data = spec->data;
	c->tty = spec->tty;
	c->rows = spec->rows;
	c->cols = spec->cols;
	c->input_only = spec->input_only;
	c->state = COMMAND_BEGINNING;
	c->out.mark = c->err.mark = c->mark;
	c->namespace_ = strdup(spec->target.namespace_);
	c->pod = strdup(spec->target.pod);
	c->container = strdup(spec->target.container);
	if (spec->argv)
		c->argv = command_copy_argv(spec->argv);
	if (!c->namespace_ || !c->pod || !c->container || (spec->argv && !c->argv))
		r = error_oom(e);
	else if (!c->argv)
		r = command_open(c, NULL, e);
	else
		r = uuid_v7(c->mark, e);
	if (r == 0 && c->argv)
		r = c->tty ? command_open_terminal(c, spec, e) : command_open_wrapped(c, e);
	if (r < 0)
		command_free(c);
	else
		*ret = c;
	return r;
}

/* ---- closed while it began: goes on until its process id is known ---- */

static void command_nobody_output(void *data, enum channel_stream stream, const char *bytes,
				  size_t len)
{
	(void)data, (void)stream, (void)bytes, (void)len;
}

static void command_nobody_writable(void *data)
{
	command_close(data);
}

static void command_nobody_ended(void *data, const struct channel_end *end)
{
	(void)data, (void)end;
}

static const struct command_ops command_nobody = {
	.output = command_nobody_output,
	.writable = command_nobody_writable,
	.ended = command_nobody_ended,
};

void command_close(struct command *c)
{
	if (!c)
		return;
	if (c->wrapped && c->state == COMMAND_BEGINNING) {
		c->ops = &command_nobody;
		c->data = c;
		return;
	}
	if (c->wrapped)
		command_kill(c);
	command_free(c);
}

/* ---- finished: what was sent goes on ---- */

static void command_finishing_writable(void *data)
{
	(void)data;
}

static const struct command_ops command_finishing = {
	.output = command_nobody_output,
	.writable = command_finishing_writable,
	.ended = command_nobody_ended,
};

static void command_linger(struct ws_timer *t)
{
	channel_finish(container_of(t, struct command, linger)->channel);
}

void command_finish(struct command *c)
{
	c->ops = &command_finishing;
	c->data = c;
	ws_timer_set(c->ws, &c->linger, COMMAND_LINGER_MS, command_linger);
}

void command_adopt(struct command *c, const struct command_ops *ops, void *data)
{
	c->ops = ops;
	c->data = data;
}

/* ---- from the channel ---- */

/* From a timer, so that it is never inside a call that goes on with c. */
static void command_runs(struct ws_timer *t)
{
	struct command *c = container_of(t, struct command, runs);

	if (c->input_ended)
		channel_end_input(c->channel);
	c->ops->writable(c->data);
}

static void command_began(struct command *c)
{
	c->state = COMMAND_RUNS;
	ws_timer_set(c->ws, &c->runs, 0, command_runs);
}

static void command_channel_opened(void *data)
{
	struct command *c = data;

	if (!c->wrapped)
		command_began(c);
}

/*
 * Takes the first line, digits and a newline, which a terminal begins with a carriage return, in
 * whatever pieces it comes. Bytes consumed.
 */
static size_t command_take_pid(struct command *c, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && c->pid_len > 0) {
			command_began(c);
			return i + 1;
		}
		if (bytes[i] == '\r' && c->tty && c->pid_len > 0)
			continue;
		if (bytes[i] < '0' || bytes[i] > '9' || c->pid_len + 1 == sizeof(c->pid))
			return i;
		c->pid[c->pid_len++] = bytes[i];
	}
	return len;
}

/* What looked like a trailer to the end. */
static void command_put_rest(struct command *c, const struct command_wrap *w)
{
	if (w->held_len > 0)
		c->ops->output(c->data, w == &c->out ? CHANNEL_OUT : CHANNEL_ERR, w->held,
			       w->held_len);
}

static bool command_complete(const struct command *c)
{
	return c->out.complete && (c->tty || c->err.complete);
}

/* The server says so a second later; with processes in the background, when they have ended. */
static void command_done(struct ws_timer *t)
{
	struct command *c = container_of(t, struct command, done);
	const struct channel_end end = { .exit_code = c->out.exit_code };

	c->ops->ended(c->data, &end);
	command_free(c);
}

static void command_channel_output(void *data, enum channel_stream stream, const char *bytes,
				   size_t len)
{
	struct command *c = data;
	_cleanup_(buf_done) struct buf stripped = BUF_INIT;

	if (c->wrapped && c->state == COMMAND_BEGINNING && stream == CHANNEL_OUT) {
		size_t taken = command_take_pid(c, bytes, len);
		bytes += taken;
		len -= taken;
	}
	if (c->wrapped) {
		struct command_wrap *w = stream == CHANNEL_OUT ? &c->out : &c->err;
		bytes = command_wrap_strip(w, bytes, &len, &stripped);
		c->failed |= buf_error(&stripped) < 0;
		if (command_complete(c) && !c->out.background && !c->failed)
			ws_timer_set(c->ws, &c->done, 0, command_done);
	}
	if (len > 0)
		c->ops->output(c->data, stream, bytes, len);
}

static void command_channel_writable(void *data)
{
	struct command *c = data;

	if (c->state == COMMAND_RUNS)
		c->ops->writable(c->data);
}

/* The runtime has not found our shell. True: the command itself has been asked for. */
static bool command_open_bare(struct command *c, struct channel_end *end)
{
	c->wrapped = false;
	end->r = command_open(c, (const char *const *)c->argv, &end->error);
	return end->r == 0;
}

/*
 * What the server says, against what the shell has said. A shell that was killed with its command
 * says nothing, and one that could not begin has no process id.
 */
static void command_judge(const struct command *c, struct channel_end *end)
{
	if (!c->wrapped || end->r < 0)
		return;
	if (command_complete(c) && !c->failed)
		end->exit_code = c->out.exit_code;
	else if (c->state == COMMAND_RUNS ? end->exit_code <= COMMAND_EXIT_SIGNAL
					  : end->exit_code == 0)
		end->r = error_set(&end->error, ECONNRESET,
				   "the connection to the weaver was lost on the server's side: "
				   "output may be missing, the exit code is unknown");
}

static void command_channel_ended(void *data, const struct channel_end *channel_end)
{
	struct command *c = data;
	struct channel_end end = *channel_end;

	c->channel = NULL;
	if (c->wrapped && c->state == COMMAND_BEGINNING && end.r == 0 && end.error.code &&
	    end.exit_code == 127 && command_open_bare(c, &end))
		return;
	command_put_rest(c, &c->out);
	command_put_rest(c, &c->err);
	command_judge(c, &end);
	/* The connection is lost, the process may not be. */
	if (c->wrapped && c->state == COMMAND_RUNS && end.r < 0)
		command_kill(c);
	c->ops->ended(c->data, &end);
	command_free(c);
}

static const struct channel_ops command_channel_ops = {
	.opened = command_channel_opened,
	.output = command_channel_output,
	.writable = command_channel_writable,
	.ended = command_channel_ended,
};

/* ---- input ---- */

size_t command_room(struct command *c)
{
	return c->state == COMMAND_RUNS ? channel_room(c->channel) : 0;
}

void command_send(struct command *c, const char *bytes, size_t len)
{
	channel_send(c->channel, bytes, len);
}

bool command_end_input(struct command *c)
{
	if (!c->argv)
		return false;
	if (c->state == COMMAND_RUNS)
		return channel_end_input(c->channel);
	c->input_ended = true;
	return true;
}

bool command_drained(const struct command *c)
{
	return c->state == COMMAND_RUNS && channel_drained(c->channel);
}

void command_resize(struct command *c, unsigned rows, unsigned cols)
{
	c->rows = rows;
	c->cols = cols;
	channel_resize(c->channel, rows, cols);
}

void command_hold(struct command *c, bool hold)
{
	channel_hold(c->channel, hold);
}
