/* SPDX-License-Identifier: Apache-2.0 */
/* fs/into/socket.c: look-ups that wait for a socket, one bind for all, its end without use. */
#include "fs/into/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/errors.h"
#include "fs/into/listener.h"
#include "fs/poke/poke_mount.h"
#include "fs/poke/poke_process.h"
#include "fs/stream/park.h"
#include "fs/tree/alias.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"
#include "k8s/ws.h"
#include "tests/unit/fake_fuse.h"
#include "tests/unit/fake_loop.h"

#define WEAVER 77
#define INO_8080 9001
#define INO_81 9002
#define HELPER 4711

/* ---- libfuse ---- */

int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
	req->answers++;
	req->ino = entry->ino;
	return 0;
}

/* ---- nodes and their numbers ---- */

static int looked_up; /* counted by the kernel, in excess of what was given back */

int node_find(const struct weaverfs *fs, fuse_ino_t ino, const struct caller *caller,
	      struct node *ret)
{
	(void)fs, (void)caller;
	*ret = (struct node){ .ino = ino };
	return 0;
}

void node_entry(const struct node *n, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){ .ino = n->ino };
}

void node_done(struct node *n)
{
	(void)n;
}

void node_path(const struct node *n, char *to, size_t size)
{
	snprintf(to, size, "a/ports/%u", n->port);
}

void alias_again(struct aliases *a, fuse_ino_t ino)
{
	(void)a, (void)ino;
	looked_up++;
}

void alias_forget(struct aliases *a, fuse_ino_t ino, uint64_t n)
{
	(void)a, (void)ino;
	looked_up -= (int)n;
}

/* ---- the helper ---- */

struct poke_process {
	struct poke_process_spec spec;
};
static struct poke_process helper;
static char command[64]; /* the one that is out; "": none */
static int mount_error;

int poke_mount_clone(const char *path, dev_t *ret_device, struct error *e)
{
	(void)path;
	*ret_device = 0;
	return mount_error ? error_set(e, mount_error, "no namespace")
			   : open("/", O_PATH | O_CLOEXEC);
}

int poke_process_new(const struct poke_process_spec *spec, struct poke_process **ret,
		     struct error *e)
{
	(void)e;
	helper.spec = *spec;
	*ret = &helper;
	spec->ops->is(spec->data, HELPER, true);
	spec->ops->ready(spec->data);
	return 0;
}

void poke_process_free(struct poke_process *p)
{
	(void)p;
}

void poke_process_send(struct poke_process *p, enum poke_op op, const char *path)
{
	(void)p;
	assert_int_equal(op, POKE_BIND);
	assert_string_equal(command, "");
	snprintf(command, sizeof(command), "%s", path);
}

/* ---- the ws thread ---- */

struct listener {
	const struct listener_ops *ops;
	void *data;
	int fd;
};
static struct list ws_jobs = LIST_INIT(ws_jobs);
static struct listener *last_listener;
static int listeners;

void ws_post(struct ws *w, struct ws_job *job)
{
	(void)w;
	list_push_back(&ws_jobs, &job->node);
}

int listener_new(struct ws *w, int fd, const struct listener_ops *ops, void *data,
		 struct listener **ret, struct error *e)
{
	(void)w, (void)e;
	struct listener *l = calloc(1, sizeof(*l));
	*l = (struct listener){ ops, data, fd };
	listeners++;
	*ret = last_listener = l;
	return 0;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	listeners--;
	close(l->fd);
	free(l);
}

static void run(void)
{
	do {
		while (!list_empty(&ws_jobs)) {
			struct ws_job *job = list_entry(ws_jobs.next, struct ws_job, node);
			list_remove(&job->node);
			job->run(job);
		}
		fake_run();
	} while (!list_empty(&ws_jobs));
}

static void advance(int ms)
{
	for (; ms > 0; ms -= 100) {
		fake_advance(100);
		run();
	}
}

/* ---- the test ---- */

static struct weaverfs fs = { .mountpoint = "/m" };
static unsigned accepted_port;

static void accepted(struct weaverfs *f, const struct socket_use *use, int fd,
		     const struct ucred *peer)
{
	(void)f, (void)peer;
	close(fd);
	accepted_port = use->port;
}

static void unmounted(struct weaverfs *f)
{
	(void)f;
}

static const struct socket_ops ops = { accepted, unmounted };

static int set_up(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	command[0] = '\0';
	mount_error = looked_up = 0;
	assert_int_equal(errors_new(&fs.errors, &e), 0);
	return socket_new(&fs, &ops, &fs.sockets, &e);
}

static int tear_down(void **state)
{
	(void)state;
	socket_close_all(fs.sockets);
	socket_helper_stop(fs.sockets);
	run();
	socket_free(fs.sockets);
	errors_free(fs.errors);
	assert_int_equal(listeners, 0);
	assert_true(list_empty(&fake_timers));
	return 0;
}

static void look_up(struct fuse_req *req, fuse_ino_t ino, uint16_t port)
{
	const struct node n = { .ino = ino, .object = WEAVER, .port = port };

	*req = (struct fuse_req){ 0 };
	looked_up++;
	socket_lookup(fs.sockets, req, &n);
	run();
}

/* What the helper does for its command: MKNOD gives it the inode, and it answers with a socket. */
static fuse_ino_t bind_it(int error)
{
	struct fuse_req req = { 0 };
	const char *name = strrchr(command, '/') + 1;

	assert_true(strncmp(command, ".weaverfs/.sockets/", 19) == 0);
	assert_true(socket_helper_mknod(fs.sockets, &req, HELPER, INO_OBJECT_SOCKETS, name));
	looked_up--; /* the helper forgets it again */
	command[0] = '\0';
	helper.spec.ops->answered(helper.spec.data, error,
				  error ? -1 : open("/", O_PATH | O_CLOEXEC));
	run();
	return req.ino;
}

static void look_up_waits_for_the_helper(void **state)
{
	struct fuse_req a, b;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	look_up(&b, INO_8080, 8080);
	assert_int_equal(a.answers + b.answers, 0);
	assert_int_equal(bind_it(0), INO_8080);
	assert_int_equal(a.ino, INO_8080);
	assert_int_equal(b.ino, INO_8080);
	assert_int_equal(listeners, 1);
	/* the next one is answered at once */
	look_up(&a, INO_8080, 8080);
	assert_int_equal(a.ino, INO_8080);
	assert_string_equal(command, "");
	assert_int_equal(looked_up, 3);
}

static void sockets_are_bound_one_after_the_other(void **state)
{
	struct fuse_req a, b;
	uint16_t *ports;
	size_t n;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	look_up(&b, INO_81, 81);
	assert_int_equal(bind_it(0), INO_8080);
	assert_int_equal(b.answers, 0);
	assert_int_equal(bind_it(0), INO_81);
	assert_int_equal(b.ino, INO_81);
	assert_int_equal(socket_list(fs.sockets, WEAVER, &ports, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(ports[0], 81);
	assert_int_equal(ports[1], 8080);
	free(ports);
	assert_int_equal(socket_list(fs.sockets, WEAVER + 1, &ports, &n), 0);
	assert_int_equal(n, 0);
	free(ports);
}

static void refused_bind_fails_its_look_ups(void **state)
{
	struct fuse_req a;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	bind_it(EACCES);
	assert_int_equal(a.error, EIO);
	assert_int_equal(looked_up, 0);
	/* and is tried again by the next one */
	look_up(&a, INO_8080, 8080);
	assert_int_equal(bind_it(0), INO_8080);
	assert_int_equal(a.ino, INO_8080);
}

static void helper_that_ends_fails_what_it_was_at(void **state)
{
	struct fuse_req a;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	command[0] = '\0';
	helper.spec.ops->ended(helper.spec.data);
	assert_int_equal(a.error, EIO);
	look_up(&a, INO_8080, 8080);
	assert_string_equal(command, ""); /* nobody is there to bind */
	helper.spec.ops->ready(helper.spec.data);
	bind_it(0);
	assert_int_equal(a.ino, INO_8080);
}

static void look_up_without_a_helper_says_why(void **state)
{
	struct fuse_req a;

	(void)state;
	look_up(&a, INO_8080, 8080);
	assert_int_equal(a.error, EAGAIN);
	mount_error = EPERM;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	assert_int_equal(a.error, EPERM);
	assert_int_equal(looked_up, 0);
}

static void interrupted_look_up_is_eintr(void **state)
{
	struct fuse_req a, b;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	look_up(&b, INO_8080, 8080);
	a.func(&a, a.data);
	run();
	assert_int_equal(a.error, EINTR);
	bind_it(0);
	assert_int_equal(a.answers, 1);
	assert_int_equal(b.ino, INO_8080);
}

static void socket_without_use_is_closed_after_3_s(void **state)
{
	const struct socket_use use = { WEAVER, 8080, INO_8080 };
	const struct ucred peer = { 0 };
	struct fuse_req a;
	uint16_t *ports;
	size_t n;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	bind_it(0);
	last_listener->ops->accepted(last_listener->data, open("/", O_PATH | O_CLOEXEC), &peer);
	assert_int_equal(accepted_port, 8080);
	advance(2500);
	assert_int_equal(listeners, 1);
	advance(1500);
	assert_int_equal(listeners, 0);
	/* in use as long as somebody is connected; then nobody knows it any more */
	assert_int_equal(socket_list(fs.sockets, WEAVER, &ports, &n), 0);
	assert_int_equal(n, 1);
	free(ports);
	socket_used(fs.sockets, &use);
	advance(1000);
	assert_int_equal(socket_list(fs.sockets, WEAVER, &ports, &n), 0);
	assert_int_equal(n, 0);
	free(ports);
	look_up(&a, INO_8080, 8080);
	bind_it(0);
	assert_int_equal(a.ino, INO_8080);
}

static void look_up_of_one_that_closes_waits_for_a_new_one(void **state)
{
	struct fuse_req a;

	(void)state;
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	bind_it(0);
	fake_advance(4000); /* the ws thread has not closed it yet */
	assert_false(list_empty(&ws_jobs));
	a = (struct fuse_req){ 0 };
	socket_lookup(fs.sockets, &a,
		      &(struct node){ .ino = INO_8080, .object = WEAVER, .port = 8080 });
	fake_run();
	assert_int_equal(a.answers, 0);
	assert_string_equal(command, "");
	run();
	assert_int_equal(listeners, 0);
	assert_int_equal(bind_it(0), INO_8080);
	assert_int_equal(a.ino, INO_8080);
}

static void only_the_helper_sees_the_hidden_directory(void **state)
{
	struct fuse_req req = { 0 }, a;

	(void)state;
	assert_false(socket_helper_lookup(NULL, &req, HELPER, INO_OBJECT_CONTROL, ".sockets"));
	socket_helper_start(fs.sockets);
	look_up(&a, INO_8080, 8080);
	assert_false(
		socket_helper_lookup(fs.sockets, &req, HELPER + 1, INO_OBJECT_CONTROL, ".sockets"));
	assert_false(socket_helper_mknod(fs.sockets, &req, HELPER + 1, INO_OBJECT_SOCKETS, "1"));
	assert_false(socket_helper_mknod(fs.sockets, &req, HELPER, INO_OBJECT_SOCKETS, "2"));
	assert_false(socket_helper_lookup(fs.sockets, &req, HELPER, INO_OBJECT_CONTROL, "health"));
	assert_int_equal(req.answers, 0);
	assert_true(socket_helper_lookup(fs.sockets, &req, HELPER, INO_OBJECT_CONTROL, ".sockets"));
	assert_int_equal(req.ino, ino_make(INO_OBJECT_SOCKETS, INO_ROW_DIR));
	assert_true(socket_helper_lookup(fs.sockets, &req, HELPER, INO_OBJECT_SOCKETS, "1"));
	assert_int_equal(req.error, ENOENT);
	assert_int_equal(bind_it(0), INO_8080);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(look_up_waits_for_the_helper),
		TEST(sockets_are_bound_one_after_the_other),
		TEST(refused_bind_fails_its_look_ups),
		TEST(helper_that_ends_fails_what_it_was_at),
		TEST(look_up_without_a_helper_says_why),
		TEST(interrupted_look_up_is_eintr),
		TEST(socket_without_use_is_closed_after_3_s),
		TEST(look_up_of_one_that_closes_waits_for_a_new_one),
		TEST(only_the_helper_sees_the_hidden_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
