/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are a command, with a registry; a libfuse, a ws thread and a command of the test's.
 * For the tests of fs/into/enter_file.c, enter_serve.c and enter_input.c.
 */
#pragma once
#include "tests/unit/pods.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "fs/errors.h"
#include "fs/into/command.h"
#include "fs/into/enter.h"
#include "fs/into/enter_file.h"
#include "fs/into/splice.h"
#include "fs/registry.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"
#include "k8s/ws.h"
#include "tests/unit/fake_fuse.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"
#define OBJECT ino_object_of(UID, "")

/* ---- libfuse ---- */

struct fuse_pollhandle {
	int notified, destroyed;
};

int fuse_reply_write(fuse_req_t req, size_t count)
{
	req->answers++;
	req->len = count;
	return 0;
}

int fuse_reply_poll(fuse_req_t req, unsigned revents)
{
	req->answers++;
	req->revents = revents;
	return 0;
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
	ph->notified++;
	return 0;
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
	ph->destroyed++;
}

static int opener_gone;

int splice_reply_stream(const struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino,
			const void *handle)
{
	(void)fs, (void)ino;
	req->answers++;
	req->fh = (uintptr_t)handle;
	return opener_gone ? -ENOENT : 0;
}

/* ---- the ws thread: jobs, and one timer at a time that the test lets fire ---- */

static struct list ws_jobs = LIST_INIT(ws_jobs);
static struct ws_timer *timer;

void ws_post(struct ws *w, struct ws_job *job)
{
	(void)w;
	list_push_back(&ws_jobs, &job->node);
}

void ws_timer_set(struct ws *w, struct ws_timer *t, int64_t delay_ms,
		  void (*fire)(struct ws_timer *t))
{
	(void)w, (void)delay_ms;
	t->fire = fire;
	timer = t;
}

void ws_timer_cancel(struct ws_timer *t)
{
	if (timer == t)
		timer = NULL;
}

static inline void run(void)
{
	while (!list_empty(&ws_jobs)) {
		struct ws_job *job = list_entry(ws_jobs.next, struct ws_job, node);
		list_remove(&job->node);
		job->run(job);
	}
}

/* ---- the command ---- */

struct command {
	const struct command_ops *ops;
	void *data;
	size_t room, taken;
	bool drained, input_ended, held;
};
static struct command command; /* the one that there is */
static unsigned started, closed, finished;
static char line[256]; /* what the last one was for */
static char input[256];
static int refusal;
static bool main_has_ended;

int command_start(struct ws *w, const struct command_spec *spec, struct command **ret,
		  struct error *e)
{
	(void)w;
	if (refusal)
		return error_set(e, refusal, "refused");
	snprintf(line, sizeof(line), "%s", spec->argv ? spec->argv[2] : "attach");
	command = (struct command){
		.ops = spec->ops, .data = spec->data, .room = 100, .drained = true
	};
	input[0] = '\0';
	started++;
	*ret = &command;
	return 0;
}

void command_close(struct command *c)
{
	closed += c != NULL;
}

void command_finish(struct command *c)
{
	(void)c;
	finished++;
}

void command_adopt(struct command *c, const struct command_ops *ops, void *data)
{
	c->ops = ops;
	c->data = data;
}

size_t command_room(struct command *c)
{
	return c->room - c->taken;
}

void command_send(struct command *c, const char *bytes, size_t len)
{
	size_t at = strlen(input);

	assert_true(len <= command_room(c));
	snprintf(input + at, sizeof(input) - at, "%.*s", (int)len, bytes);
	c->taken += len;
}

bool command_end_input(struct command *c)
{
	c->input_ended = true;
	return true;
}

bool command_drained(const struct command *c)
{
	return c->drained;
}

void command_hold(struct command *c, bool hold)
{
	c->held = hold;
}

static inline void prints(const char *text)
{
	command.ops->output(command.data, CHANNEL_OUT, text, strlen(text));
}

static inline void ends(int r, const char *text)
{
	struct channel_end end = { .r = r };

	if (r < 0)
		error_set(&end.error, -r, "%s", text);
	command.ops->ended(command.data, &end);
}

/* ---- the weaver ---- */

static struct weaverfs fs;
static const struct attr attrs[] = {
	{ .name = "exec", .enter = ATTR_ENTER_EXEC },
	{ .name = "stdin", .enter = ATTR_ENTER_STDIN },
};
enum { EXEC, STDIN };

int node_find(const struct weaverfs *f, fuse_ino_t ino, const struct caller *caller,
	      struct node *ret)
{
	*ret = (struct node){ .ino = ino, .object = OBJECT, .attr = &attrs[ino] };
	ret->view.fs = f;
	ret->view.caller = *caller;
	return registry_find(f->registry, OBJECT, &ret->w);
}

void node_done(struct node *n)
{
	registry_view_done(&n->w);
}

void node_path(const struct node *n, char *to, size_t size)
{
	snprintf(to, size, "a/%s", n->attr->name);
}

int enter_target(const struct registry_view *w, struct command_target *ret, struct error *e)
{
	(void)e;
	*ret = (struct command_target){ "n", w->pod->name, "weaver" };
	return 0;
}

int enter_main_ended(const struct registry_view *w, int *ret_exit_code, struct error *e)
{
	(void)w;
	*ret_exit_code = 0;
	return main_has_ended ? 0 : error_set(e, EAGAIN, "lost");
}

static inline int set_up(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod =
		pods_parse("{\"metadata\":{\"name\":\"weaver-x\",\"namespace\":\"n\",\"uid\":\"" UID
			   "\",\"labels\":{\"loom.dev/name\":\"a\"}}}");
	struct error e = ERROR_INIT;

	(void)state;
	opener_gone = refusal = 0;
	main_has_ended = false;
	started = closed = finished = 0;
	assert_int_equal(registry_new(&fs.registry, &e), 0);
	assert_int_equal(errors_new(&fs.errors, &e), 0);
	registry_apply(fs.registry, pod, 0);
	return enter_file_new(&fs, &fs.enter_files, &e);
}

static inline int tear_down(void **state)
{
	(void)state;
	enter_file_close_all(fs.enter_files);
	run();
	assert_null(timer);
	enter_file_free(fs.enter_files);
	errors_free(fs.errors);
	registry_free(fs.registry);
	return 0;
}

/* ---- what the kernel asks ---- */

static inline struct fuse_file_info open_file(int which, int flags)
{
	const struct caller caller = { .pid = 1 };
	struct fuse_file_info fi = { .flags = flags };
	struct fuse_req req = { 0 };

	enter_file_open(&fs, &req, (fuse_ino_t)which, &fi, &caller);
	run();
	assert_int_equal(req.answers, 1);
	errno = req.error;
	fi.fh = req.fh;
	return fi;
}

static inline void write_start(struct fuse_req *req, const struct fuse_file_info *fi,
			       const char *text)
{
	*req = (struct fuse_req){ 0 };
	enter_file_write(req, text, strlen(text), fi);
	run();
}

static inline void read_start(struct fuse_req *req, const struct fuse_file_info *fi)
{
	*req = (struct fuse_req){ 0 };
	enter_file_read(req, 255, fi);
	run();
}

static inline void flush_start(struct fuse_req *req, const struct fuse_file_info *fi)
{
	*req = (struct fuse_req){ 0 };
	enter_file_flush(req, fi);
	run();
}

static inline void release(const struct fuse_file_info *fi)
{
	struct fuse_req req = { 0 };

	enter_file_release(&req, fi);
	run();
	assert_int_equal(req.answers, 1);
}

static inline void interrupt(struct fuse_req *req)
{
	req->func(req, req->data);
	run();
}
