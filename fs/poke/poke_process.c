/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	spawned ──► running ──► command late, or answer unknown ──► killed ──► end of file on the
 *	   ▲            └──────────── it ends by itself ───────────────────►   socket ──► reaped ─┐
 *	   └── at once, after 100 ms, 200 ms … 10 s while no answer comes in between ◄────────────┘
 *	       never again once it has said that the mount is no more
 *
 * A helper that waits for the lock of a directory cannot be killed before it has it: nothing here
 * waits for the end of a process, and its pid stays known as one that is not heeded until it is a
 * zombie. Then it is forgotten, and only then reaped: from there on the pid may be anybody's.
 */
#include "fs/poke/poke_process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/clock.h"
#include "k8s/base/log.h"
#include "k8s/loop.h"

/*
 * A command takes a fraction of a millisecond where nobody holds the directory; users' calls that
 * do are bounded by 2 s each, and excused by the owner.
 */
#define ANSWER_NS (5 * CLOCK_NS_PER_S)
#define REAP_NS (2 * CLOCK_NS_PER_MS)
#define RESTART_FIRST_NS (100 * CLOCK_NS_PER_MS)
#define RESTART_MAX_NS (10 * CLOCK_NS_PER_S)
#define END_POLLS 500 /* of REAP_NS */

struct poke_process {
	struct poke_process_spec spec;
	pid_t pid; /* 0: none runs */
	int socket;
	struct loop_fd readable;
	struct loop_timer late, restart, reap;
	uint32_t sequence; /* of the last command */
	uint32_t out;      /* so many of the last ones have not been answered */
	bool killed;       /* no more commands for this one */
	bool unmounted;    /* nor for another: it has said so */
	unsigned failures; /* ends since the last answer */
};

/* ---- starting ---- */

/* The only descriptor of ours that it gets is the socket; no signal is blocked in it. */
static int spawn(struct poke_process *p, int socket, pid_t *ret_pid)
{
	char device[24];
	snprintf(device, sizeof(device), "%" PRIuMAX, (uintmax_t)p->spec.device);
	const char *argv[] = { "weaverfs", "--poke",        p->spec.mountpoint,
			       device,     p->spec.purpose, NULL };
	static char *const environment[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, socket, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawn_file_actions_addchdir_np(&files,
					     "/"); /* from the first moment it pins nothing */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
	int code = posix_spawn(ret_pid, "/proc/self/exe", &files, &attributes,
			       (char *const *)(uintptr_t)argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return -code;
}

static int start(struct poke_process *p, struct error *e)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return error_set(e, errno, "socketpair: %s", strerror(errno));
	_cleanup_(cleanup_close) int ours = fds[0], theirs = fds[1];
	fcntl(theirs, F_SETFL, 0); /* its end waits */
	int r = loop_fd_watch(p->spec.loop, &p->readable, ours);
	if (r < 0)
		return error_oom(e);
	r = spawn(p, theirs, &pid);
	if (r < 0) {
		loop_fd_unwatch(p->spec.loop, &p->readable);
		return error_set(e, -r, "a poke helper cannot be started: %s", strerror(-r));
	}
	p->pid = pid;
	p->socket = ours;
	ours = -1;
	p->out = 0;
	p->killed = false;
	p->spec.ops->is(p->spec.data, pid, true);
	p->spec.ops->ready(p->spec.data);
	return 0;
}

static void restart_later(struct poke_process *p)
{
	int64_t delay_ns = 0;

	if (p->failures > 0) {
		unsigned doublings = p->failures < 8 ? p->failures - 1 : 7;
		delay_ns = RESTART_FIRST_NS << doublings;
		if (delay_ns > RESTART_MAX_NS)
			delay_ns = RESTART_MAX_NS;
	}
	p->failures++;
	loop_timer_set(p->spec.loop, &p->restart, clock_monotonic_ns() + delay_ns);
}

static void on_restart(struct loop_timer *t)
{
	struct poke_process *p = container_of(t, struct poke_process, restart);
	struct error e = ERROR_INIT;

	if (start(p, &e) < 0) {
		log_write(LOG_LEVEL_DEBUG, "%s", e.text);
		restart_later(p);
	}
}

/* ---- ending ---- */

static void disown(struct poke_process *p)
{
	p->killed = true;
	p->spec.ops->is(p->spec.data, p->pid, false);
	kill(p->pid, SIGKILL);
}

/* Whether it is no more; its pid is nobody's afterwards. */
static bool try_reap(struct poke_process *p)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == 0)
		return false;
	p->unmounted = info.si_code == CLD_EXITED && info.si_status == POKE_EXIT_UNMOUNTED;
	p->spec.ops->is(p->spec.data, 0, false);
	waitpid(p->pid, NULL, WNOHANG);
	p->pid = 0;
	return true;
}

static void close_socket(struct poke_process *p)
{
	loop_fd_unwatch(p->spec.loop, &p->readable);
	cleanup_close(&p->socket);
	p->socket = -1;
	loop_timer_cancel(&p->late);
}

static void on_reap(struct loop_timer *t)
{
	struct poke_process *p = container_of(t, struct poke_process, reap);

	if (!try_reap(p)) {
		loop_timer_set(p->spec.loop, t, clock_monotonic_ns() + REAP_NS);
		return;
	}
	p->out = 0;
	p->spec.ops->ended(p->spec.data);
	if (p->unmounted)
		p->spec.ops->unmounted(p->spec.data);
	else
		restart_later(p);
}

/* The other end of the socket is closed: it ends, or has ended. */
static void ended(struct poke_process *p)
{
	close_socket(p);
	disown(p);
	on_reap(&p->reap);
}

static void on_late(struct loop_timer *t)
{
	struct poke_process *p = container_of(t, struct poke_process, late);

	if (p->spec.ops->excused(p->spec.data))
		loop_timer_set(p->spec.loop, t, clock_monotonic_ns() + ANSWER_NS);
	else
		disown(p); /* the end of file follows */
}

/* ---- commands ---- */

static void expect_answer(struct poke_process *p)
{
	if (p->out > 0)
		loop_timer_set(p->spec.loop, &p->late, clock_monotonic_ns() + ANSWER_NS);
	else
		loop_timer_cancel(&p->late);
}

static void take_answer(struct poke_process *p, const struct poke_answer *answer, int fd)
{
	if (p->out == 0 || answer->sequence != p->sequence - p->out + 1) {
		cleanup_close(&fd);
		disown(p);
		return;
	}
	p->out--;
	p->failures = 0;
	expect_answer(p);
	p->spec.ops->answered(p->spec.data, answer->error, fd);
}

/* As recv(2); fd is what came with it, or as it was. */
static ssize_t receive(int socket, struct poke_answer *answer, int *fd)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { answer, sizeof(*answer) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n;
}

static void on_readable(struct loop_fd *f)
{
	struct poke_process *p = container_of(f, struct poke_process, readable);
	struct poke_answer answer;

	for (unsigned i = 0; i < POKE_OUT_MAX; i++) {
		int fd = -1;
		ssize_t n = receive(p->socket, &answer, &fd);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n != sizeof(answer)) {
			cleanup_close(&fd);
			ended(p);
			return;
		}
		take_answer(p, &answer, fd);
	}
}

void poke_process_send(struct poke_process *p, enum poke_op op, const char *path)
{
	struct poke_message m = { .sequence = ++p->sequence, .op = op };

	assert(p->socket >= 0);
	snprintf(m.path, sizeof(m.path), "%s", path);
	if (p->out++ == 0)
		expect_answer(p);
	if (send(p->socket, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		disown(p); /* the end of file follows, and the command is given to the next one */
}

/* ---- life cycle ---- */

int poke_process_new(const struct poke_process_spec *spec, struct poke_process **ret,
		     struct error *e)
{
	struct poke_process *p = calloc(1, sizeof(*p));

	if (!p)
		return error_oom(e);
	p->spec = *spec;
	p->socket = -1;
	loop_fd_init(&p->readable, on_readable);
	loop_timer_init(&p->late, on_late);
	loop_timer_init(&p->restart, on_restart);
	loop_timer_init(&p->reap, on_reap);
	*ret = p; /* ready() may send */
	int r = start(p, e);
	if (r < 0) {
		*ret = NULL;
		free(p);
	}
	return r;
}

void poke_process_free(struct poke_process *p)
{
	if (!p)
		return;
	close_socket(p);
	loop_timer_cancel(&p->restart);
	loop_timer_cancel(&p->reap);
	if (p->pid) {
		disown(p);
		for (int i = 0; i < END_POLLS && !try_reap(p); i++)
			usleep(REAP_NS / 1000);
	}
	free(p);
}
