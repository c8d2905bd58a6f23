/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/into/enter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/errors.h"
#include "fs/into/command_end.h"
#include "fs/into/enter_file.h"
#include "fs/into/forward.h"
#include "fs/into/socket.h"
#include "fs/into/term.h"
#include "fs/record.h"
#include "fs/registry.h"
#include "fs/weaver/weaver.h"
#include "k8s/ws.h"

/* What it takes to end a command in its weaver: two round trips. */
#define CLOSE_TRIES 50
#define CLOSE_PAUSE_US 20000

struct enter {
	struct weaverfs *fs;
	struct terms *terms;
	struct forwards *forwards;
	struct ws_job unmounted;
};

/* Who has connected to what; ws thread. */
struct place {
	struct weaverfs *fs;
	struct socket_use use;
	struct ucred peer;
	struct registry_view w; /* of the last look; name "" before */
};

int enter_target(const struct registry_view *w, struct command_target *ret, struct error *e)
{
	const struct pod_container *main = pod_main(w->pod);
	enum weaver_status status = weaver_status(w->pod);

	if (status != WEAVER_RUNNING || !main)
		return error_set(e, ENOTCONN, "%s is not running: %s", w->name,
				 weaver_status_word(status));
	*ret = (struct command_target){
		.namespace_ = w->pod->namespace_,
		.pod = w->pod->name,
		.container = main->name,
	};
	return 0;
}

int enter_main_ended(const struct registry_view *w, int *ret_exit_code, struct error *e)
{
	const struct pod_container *main = pod_main(w->pod);

	if (!main || main->state != POD_STATE_TERMINATED)
		return error_set(e, EAGAIN,
				 "the connection to the weaver's main process was lost on the "
				 "server's side; %s",
				 w->gone ? "the weaver is gone" : "the process may still run");
	*ret_exit_code = main->exit_code;
	return 0;
}

/* The kernel has checked the socket's mode, which a bind mount may have given to anybody. */
static int may_enter(const struct place *p, struct error *e)
{
	uid_t owner = weaver_owner(p->w.pod, p->fs->uid, p->fs->gid).uid;

	if (p->peer.uid == 0 || p->peer.uid == owner)
		return 0;
	return error_set(e, EACCES, "%s belongs to uid %u, not to %u", p->w.name, owner,
			 p->peer.uid);
}

static int find_place(struct place *p, struct command_target *ret, struct error *e)
{
	registry_view_done(&p->w);
	p->w = (struct registry_view){ 0 };
	int r = registry_find(p->fs->registry, p->use.object, &p->w);
	if (r < 0)
		return error_set(e, -r, "this weaver is gone");
	r = may_enter(p, e);
	return r < 0 ? r : enter_target(&p->w, ret, e);
}

static void note(const struct place *p, const char *op, const char *file, const struct error *e)
{
	char path[REGISTRY_NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", p->w.name[0] ? p->w.name : "?", file);
	errors_add(p->fs->errors, p->peer.uid, op, path, e);
}

static void place_free(struct place *p)
{
	socket_used(p->fs->sockets, &p->use);
	registry_view_done(&p->w);
	free(p);
}

/* ---- .weaver ---- */

static int resolve(void *data, const struct term_request *request, struct command_target *ret,
		   bool *ret_tty, struct error *e)
{
	static const char *const verbs[] = {
		[WIRE_SHELL] = "sh",
		[WIRE_EXEC] = "exec",
		[WIRE_ATTACH] = "attach",
	};
	struct place *p = data;
	const char *verb = request->verb <= WIRE_ATTACH ? verbs[request->verb] : NULL;
	struct error failure = ERROR_INIT;

	if (!verb)
		return error_set(e, EINVAL, "weaver asks for what weaverfs does not know");
	int r = find_place(p, ret, &failure);
	record_done(p->peer.uid, p->peer.pid, verb, p->w.name, &failure);
	if (r < 0) {
		note(p, "connect", verb, &failure);
		*e = failure;
		return r;
	}
	*ret_tty = p->w.pod->tty;
	return 0;
}

static int main_ended(void *data, int *ret_exit_code, struct error *e)
{
	const struct place *p = data;
	struct registry_view w;
	int r = registry_find(p->fs->registry, p->use.object, &w);

	if (r < 0)
		return error_set(e, -r, "this weaver is gone");
	r = enter_main_ended(&w, ret_exit_code, e);
	registry_view_done(&w);
	return r;
}

static void released(void *data)
{
	place_free(data);
}

static const struct term_ops term_ops = {
	.resolve = resolve,
	.main_ended = main_ended,
	.released = released,
};

/* ---- ports/<n> ---- */

static void forward_ended(void *data, const struct error *error)
{
	struct place *p = data;
	char file[16];

	snprintf(file, sizeof(file), "ports/%u", p->use.port);
	if (error->code)
		note(p, "connect", file, error);
	place_free(p);
}

static const struct forward_ops forward_ops = { .ended = forward_ended };

static void accept_port(struct enter *i, struct place *p, int fd)
{
	struct command_target target;
	struct error e = ERROR_INIT;

	if (find_place(p, &target, &e) == 0) {
		forward_accept(i->forwards, fd, &target, p->use.port, p);
		return;
	}
	close(fd);
	forward_ended(p, &e);
}

/* ---- both ---- */

static void accepted(struct weaverfs *fs, const struct socket_use *use, int fd,
		     const struct ucred *peer)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p) {
		close(fd);
		socket_used(fs->sockets, use);
		return;
	}
	p->fs = fs;
	p->use = *use;
	p->peer = *peer;
	if (use->port)
		accept_port(fs->enter, p, fd);
	else
		term_accept(fs->enter->terms, fd, peer, p);
}

/* Nothing can connect afterwards; files that are open keep the mount, and need not be closed. */
static void close_connections(struct enter *i)
{
	socket_close_all(i->fs->sockets);
	term_free(i->terms);
	forward_free(i->forwards);
	i->terms = NULL;
	i->forwards = NULL;
}

static void on_unmounted(struct ws_job *job)
{
	close_connections(container_of(job, struct enter, unmounted));
}

static void unmounted(struct weaverfs *fs)
{
	ws_post(fs->ws, &fs->enter->unmounted);
}

static const struct socket_ops socket_ops = { .accepted = accepted, .unmounted = unmounted };

/* ---- life ---- */

int enter_new(struct weaverfs *fs, struct enter **ret, struct error *e)
{
	struct enter *i = calloc(1, sizeof(*i));

	if (!i)
		return error_oom(e);
	i->fs = fs;
	i->unmounted.run = on_unmounted;
	list_init(&i->unmounted.node);
	*ret = i;
	int r = socket_new(fs, &socket_ops, &fs->sockets, e);
	if (r == 0)
		r = term_new(fs->ws, &term_ops, &i->terms, e);
	if (r == 0)
		r = forward_new(fs->ws, &forward_ops, &i->forwards, e);
	if (r == 0)
		r = enter_file_new(fs, &fs->enter_files, e);
	return r;
}

static void close_all(void *data)
{
	struct enter *i = data;

	close_connections(i);
	enter_file_close_all(i->fs->enter_files);
}

struct question {
	struct ws *ws;
	bool busy;
};

static void ask_busy(void *data)
{
	struct question *q = data;

	q->busy = ws_busy(q->ws);
}

static void give_up(void *data)
{
	(void)data;
	command_end_give_up();
}

void enter_close(struct enter *i)
{
	struct question q = { i->fs->ws, true };

	ws_run(q.ws, close_all, i);
	for (int n = 0; n < CLOSE_TRIES; n++) {
		ws_run(q.ws, ask_busy, &q);
		if (!q.busy)
			break;
		usleep(CLOSE_PAUSE_US);
	}
	ws_run(q.ws, give_up, NULL);
}

void enter_free(struct enter *i)
{
	if (!i)
		return;
	/* Those of a start that failed; else they are gone by now. */
	term_free(i->terms);
	forward_free(i->forwards);
	enter_file_free(i->fs->enter_files);
	socket_free(i->fs->sockets);
	free(i);
}
