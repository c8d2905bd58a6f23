/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open file has a list of writes and one of reads that are not answered, in their order;
 * enter_serve_all() answers what can be after whatever has happened. What the command prints waits
 * in `out`, and the command while that is much.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "fs/errors.h"
#include "fs/into/enter.h"
#include "fs/into/enter_file_private.h"
#include "fs/record.h"
#include "fs/stream/park.h"
#include "k8s/ws.h"

#define LINE_MAX_BYTES (128U << 10) /* what Linux allows one argument */
#define OUT_HIGH (256U << 10)
#define OUT_LOW (64U << 10)

fuse_req_t enter_serve_take(struct call *c)
{
	fuse_req_t req = c->park ? park_take(c->park) : c->req;

	list_remove(&c->node);
	free(c);
	return req;
}

static struct call *first(struct list *calls)
{
	return list_empty(calls) ? NULL : list_entry(calls->next, struct call, node);
}

void enter_serve_fail(struct list *calls, int code)
{
	while (!list_empty(calls))
		fuse_reply_err(enter_serve_take(first(calls)), code);
}

static void note(const struct enter_file *f, const char *op)
{
	char path[REGISTRY_NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", f->name,
		 f->kind == ATTR_ENTER_EXEC ? "exec" : "stdin");
	errors_add(f->files->fs->errors, f->caller.uid, op, path, &f->error);
}

/* ---- the command ---- */

static void on_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct enter_file *f = data;

	(void)stream;
	buf_add(&f->out, bytes, len);
	enter_serve_all(f);
}

static void on_writable(void *data)
{
	enter_serve_all(data);
}

/* Of an attach the server says Success also when it has lost the node. */
static void doubt_success(struct enter_file *f)
{
	struct registry_view w;
	int exit_code;

	if (registry_find(f->files->fs->registry, f->object, &w) < 0)
		return;
	if (enter_main_ended(&w, &exit_code, &f->error) < 0)
		f->error.code = EIO;
	registry_view_done(&w);
}

static void on_ended(void *data, const struct channel_end *end)
{
	struct enter_file *f = data;

	f->command = NULL;
	f->ended = true;
	f->error = end->error;
	if (f->kind == ATTR_ENTER_STDIN && end->r == 0)
		doubt_success(f);
	/* Reset is what sockets say; of a file one expects an I/O error. */
	if (end->r < 0)
		f->error.code = end->r == -ECONNRESET ? EIO : -end->r;
	if (f->error.code)
		note(f, "run");
	enter_serve_all(f);
}

static const struct command_ops command_ops = {
	.output = on_output,
	.writable = on_writable,
	.ended = on_ended,
};

static int start_at(struct enter_file *f, const struct registry_view *w, struct error *e)
{
	const char *const argv[] = { "sh", "-c", buf_str(&f->line), NULL };
	bool exec = f->kind == ATTR_ENTER_EXEC;
	struct command_spec spec = {
		.argv = exec ? argv : NULL,
		.input_only = !exec,
		.tty = !exec && w->pod->tty,
		.ops = &command_ops,
		.data = f,
	};

	int r = enter_target(w, &spec.target, e);
	if (r < 0)
		return r;
	f->command = exec ? NULL : enter_input_take(f->files, f->object);
	if (f->command) {
		command_adopt(f->command, &command_ops, f);
		return 0;
	}
	return command_start(f->files->fs->ws, &spec, &f->command, e);
}

void enter_serve_start(struct enter_file *f)
{
	struct registry_view w;

	int r = registry_find(f->files->fs->registry, f->object, &w);
	if (r == 0) {
		r = start_at(f, &w, &f->error);
		registry_view_done(&w);
	} else {
		error_set(&f->error, -r, "this weaver is gone");
	}
	f->begun = true;
	f->ended = r < 0;
	buf_wipe(&f->line);
	record_done(f->caller.uid, f->caller.pid, f->kind == ATTR_ENTER_EXEC ? "exec" : "stdin",
		    f->name, &f->error);
	if (r < 0)
		note(f, "run");
}

/* ---- serving ---- */

/* Bytes of the first line, which may come in pieces. -EFBIG. */
static int take_line(struct enter_file *f, struct call *c)
{
	const char *from = c->data + c->done;
	const char *newline = memchr(from, '\n', c->size - c->done);
	size_t n = newline ? (size_t)(newline - from) : c->size - c->done;

	if (f->line.len + n > LINE_MAX_BYTES)
		return -EFBIG;
	buf_add(&f->line, from, n);
	if (buf_error(&f->line) < 0)
		return -ENOMEM;
	c->done += n + (newline != NULL);
	if (newline)
		enter_serve_start(f);
	return 0;
}

static int take_input(struct enter_file *f, struct call *c)
{
	if (f->ended || f->input_ended)
		return f->error.code ? -f->error.code : -EPIPE;
	size_t room = command_room(f->command), left = c->size - c->done;
	size_t n = left < room ? left : room;
	command_send(f->command, c->data + c->done, n);
	c->done += n;
	return 0;
}

/* True: c is answered, and gone. */
static bool serve_write(struct enter_file *f, struct call *c)
{
	int r = 0;

	if (!f->begun)
		r = take_line(f, c);
	if (r == 0 && f->begun && c->done < c->size)
		r = take_input(f, c);
	size_t done = c->done;
	bool whole = done == c->size;
	if (r == 0 && !whole && !c->nonblock)
		return false;
	if (whole || done > 0)
		fuse_reply_write(enter_serve_take(c), done);
	else
		fuse_reply_err(enter_serve_take(c), r < 0 ? -r : EAGAIN);
	return true;
}

static void end_input(struct enter_file *f)
{
	if (f->reading && f->begun && !f->input_ended && !f->ended && list_empty(&f->writes)) {
		f->input_ended = true;
		command_end_input(f->command);
	}
}

static void release_hold(struct enter_file *f)
{
	bool hold = f->out.len > OUT_HIGH || (f->held && f->out.len > OUT_LOW);

	if (f->command && hold != f->held)
		command_hold(f->command, hold);
	f->held = hold;
}

static bool serve_read(struct enter_file *f, struct call *c)
{
	size_t n = c->size < f->out.len ? c->size : f->out.len;

	if (buf_error(&f->out) < 0) {
		fuse_reply_err(enter_serve_take(c), ENOMEM);
	} else if (n > 0) {
		fuse_reply_buf(enter_serve_take(c), f->out.data, n);
		buf_drop_front(&f->out, n);
	} else if (!f->begun || f->ended) {
		fuse_reply_err(enter_serve_take(c), f->error.code);
	} else if (c->nonblock) {
		fuse_reply_err(enter_serve_take(c), EAGAIN);
	} else {
		return false;
	}
	return true;
}

/* command_room() asks for a call of writable() as long as something waits. */
static bool serve_flush(struct enter_file *f, struct call *c)
{
	if (f->command && !(command_drained(f->command) && list_empty(&f->writes))) {
		command_room(f->command);
		return false;
	}
	fuse_reply_err(enter_serve_take(c), f->error.code);
	return true;
}

static unsigned ready_now(struct enter_file *f)
{
	bool readable = f->out.len > 0 || f->ended || (!f->begun && f->line.len == 0);
	bool writable = !f->begun || f->ended || f->input_ended || command_room(f->command) > 0;

	if (f->kind == ATTR_ENTER_STDIN)
		readable = false;
	return (readable ? POLLIN | POLLRDNORM : 0U) | (writable ? POLLOUT | POLLWRNORM : 0U);
}

void enter_serve_publish(struct enter_file *f)
{
	unsigned ready = ready_now(f);
	struct fuse_pollhandle *poll = NULL;
	{
		lock_guard(&f->files->lock);
		/* An edge for each arrival: who waits asks again. */
		if (ready)
			poll = move_ptr(&f->poll);
		f->ready = ready;
	}
	if (!poll)
		return;
	fuse_lowlevel_notify_poll(poll);
	fuse_pollhandle_destroy(poll);
}

void enter_serve_all(struct enter_file *f)
{
	while (first(&f->writes) && serve_write(f, first(&f->writes)))
		;
	if (f->reading && !f->begun && f->line.len > 0)
		enter_serve_start(f);
	end_input(f);
	while (first(&f->reads) && serve_read(f, first(&f->reads)))
		;
	release_hold(f);
	while (first(&f->flushes) && serve_flush(f, first(&f->flushes)))
		;
	enter_serve_publish(f);
}
