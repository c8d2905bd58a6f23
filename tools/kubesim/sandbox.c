/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sandbox.h. Two processes outside: kubesim's child bwrap, whose exit status is the command's,
 * and below it the command itself, whose pid bwrap tells on --info-fd. If kubesim dies, the kernel
 * kills bwrap (PR_SET_PDEATHSIG), and bwrap's --die-with-parent the rest.
 */
#include "tools/kubesim/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/list.h"
#include "tools/kubesim/bwrap.h"
#include "tools/kubesim/loop.h"
#include "tools/kubesim/sidecar.h"

#define JOIN_POLLS 2500
#define JOIN_POLL_US 2000

struct channel {
	struct loop_fd watch;
	struct sandbox *s;
	int stream;
};

struct sandbox {
	struct list node; /* sandbox_abandoned; of itself: not abandoned */
	pid_t bwrap, command;
	struct loop_fd pidfd, info;
	struct channel output[2]; /* a pty has only the first */
	int input;                /* -1: none; with a pty the same descriptor as output[0] */
	bool joined, exited;
	int code; /* once it has exited */
	const struct sandbox_ops *ops;
	void *data;
};

static struct list sandbox_abandoned = LIST_INIT(sandbox_abandoned);

/* The child's ends of what the parent reads and writes. */
struct ends {
	int in, out, err, info, args; /* the child's; err may equal out */
	bool tty;
};

static void close_ends(struct ends *x)
{
	int fds[] = { x->in, x->out == x->in ? -1 : x->out, x->err == x->out ? -1 : x->err, x->info,
		      x->args };
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*x = (struct ends){ -1, -1, -1, -1, -1, false };
}

bool sandbox_finds(const char *command)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",        "/sbin",          "/bin" };
	if (strcmp(command, SIDECAR_PROGRAM) == 0)
		return sidecar_binary(NULL);
	if (strchr(command, '/'))
		return strncmp(command, "/workspace/", 11) == 0 ||
		       strncmp(command, "/tmp/", 5) == 0 || access(command, X_OK) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s/%s", dirs[i], command);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* ---- starting ---- */

/* The pid is told before the file systems are there: while they are made, it still runs bwrap. */
static void wait_until_made(pid_t pid)
{
	char link[32], program[64];

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	for (int i = 0; i < JOIN_POLLS; i++) {
		ssize_t len = readlink(link, program, sizeof(program) - 1);
		program[len > 0 ? len : 0] = '\0';
		const char *name = strrchr(program, '/');
		if (!name || strcmp(name, "/bwrap") != 0)
			return;
		usleep(JOIN_POLL_US);
	}
}

static _Noreturn void child_run(const struct sandbox_spec *spec, const struct ends *x, char **argv)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!spec->join)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	/* High numbers first, so that no dup2 closes what another still needs. */
	int in = fcntl(x->in, F_DUPFD, 20), out = fcntl(x->out, F_DUPFD, 20);
	int err = fcntl(x->err, F_DUPFD, 20), info = fcntl(x->info, F_DUPFD, 20);
	int args = fcntl(x->args, F_DUPFD, 20);
	cgroup_enter(spec->cgroup);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	dup2(args, BWRAP_ARGS_FD);
	dup2(info, BWRAP_INFO_FD);
	syscall(SYS_close_range, BWRAP_FD_MAX + 1, ~0U, 0);
	if (spec->join)
		syscall(SYS_close_range, BWRAP_ARGS_FD, BWRAP_INFO_FD, 0);
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *const env[] = { path, NULL };
	if (spec->join)
		wait_until_made(spec->join);
	execvpe(argv[0], argv, env);
	_exit(127);
}

static int pipe_pair(int *ours, int *theirs, bool we_read)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ours = fds[we_read ? 0 : 1];
	*theirs = fds[we_read ? 1 : 0];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Opens everything between parent and child; ours[] gets stdin, stdout, stderr, info. */
static int ends_open(const struct sandbox_spec *spec, struct ends *x, int ours[4])
{
	x->tty = spec->tty;
	x->args = bwrap_args_fd(spec);
	if (x->args < 0 || pipe_pair(&ours[3], &x->info, true) < 0)
		return -errno;
	if (spec->tty) {
		struct winsize size = { .ws_row = 24, .ws_col = 80 };
		int master;
		if (openpty(&master, &x->in, NULL, NULL, &size) < 0)
			return -errno;
		fcntl(master, F_SETFD, FD_CLOEXEC);
		fcntl(x->in, F_SETFD, FD_CLOEXEC);
		fcntl(master, F_SETFL, O_NONBLOCK);
		x->out = x->err = x->in;
		ours[0] = ours[1] = master;
		/* So that the command, not root, owns its terminal. */
		return fchown(x->in, spec->uid, spec->gid) < 0 && geteuid() == 0 ? -errno : 0;
	}
	if (spec->open_stdin) {
		if (pipe_pair(&ours[0], &x->in, false) < 0)
			return -errno;
	} else {
		x->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (pipe_pair(&ours[1], &x->out, true) < 0 || pipe_pair(&ours[2], &x->err, true) < 0)
		return -errno;
	return x->in < 0 ? -errno : 0;
}

/* ---- running ---- */

/* Reads all there is; false: the end, or nobody can write any more. */
static bool channel_drain(struct channel *c)
{
	static char bytes[64 * 1024];
	for (int i = 0; i < 16; i++) {
		ssize_t n = read(c->watch.fd, bytes, sizeof(bytes));
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		c->s->ops->output(c->s->data, c->stream, bytes, (size_t)n);
	}
	return true;
}

static void channel_close(struct channel *c)
{
	int fd = c->watch.fd;
	loop_unwatch(&c->watch);
	if (fd >= 0)
		close(fd);
	if (c->s->input == fd)
		c->s->input = -1;
}

/* As containerd has it: an exec ends when nobody can print any more. May free s. */
static void sandbox_end_when_silent(struct sandbox *s)
{
	if (s->exited && s->output[0].watch.fd < 0 && s->output[1].watch.fd < 0)
		s->ops->exited(s->data, s->code);
}

static void channel_ready(struct loop_fd *f, uint32_t events)
{
	(void)events;
	struct channel *c = container_of(f, struct channel, watch);
	if (channel_drain(c))
		return;
	channel_close(c);
	sandbox_end_when_silent(c->s);
}

static void fd_close(struct loop_fd *f)
{
	int fd = f->fd;
	loop_unwatch(f);
	if (fd >= 0)
		close(fd);
}

static void info_ready(struct loop_fd *f, uint32_t events)
{
	(void)events;
	struct sandbox *s = container_of(f, struct sandbox, info);
	char text[512];
	ssize_t n = read(f->fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	const char *at = strstr(text, "\"child-pid\":");
	if (at)
		s->command = atoi(at + 12);
	if (n == 0)
		fd_close(f); /* not before: bwrap writes more, and dies of a closed pipe */
}

static void pidfd_ready(struct loop_fd *f, uint32_t events)
{
	(void)events;
	struct sandbox *s = container_of(f, struct sandbox, pidfd);
	int status = 0;
	if (waitpid(s->bwrap, &status, WNOHANG) != s->bwrap)
		return;
	s->bwrap = 0;
	fd_close(f);
	s->exited = true;
	s->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	for (int i = 0; i < 2 && !s->joined; i++) {
		if (s->output[i].watch.fd >= 0)
			channel_drain(&s->output[i]);
		channel_close(&s->output[i]);
	}
	sandbox_end_when_silent(s);
}

static struct sandbox *sandbox_new(const struct sandbox_ops *ops, void *data)
{
	struct sandbox *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	list_init(&s->node);
	s->ops = ops;
	s->data = data;
	s->input = -1;
	s->pidfd.fd = s->info.fd = -1;
	for (int i = 0; i < 2; i++)
		s->output[i] = (struct channel){ .watch.fd = -1, .s = s, .stream = i };
	return s;
}

static int sandbox_attach(struct sandbox *s, const int ours[4], bool tty, struct error *e)
{
	int pidfd = (int)syscall(SYS_pidfd_open, s->bwrap, 0);
	if (pidfd < 0)
		return error_set(e, errno, "pidfd_open: %s", strerror(errno));
	s->input = ours[0];
	loop_watch(&s->pidfd, pidfd, EPOLLIN, pidfd_ready);
	loop_watch(&s->info, ours[3], EPOLLIN, info_ready);
	loop_watch(&s->output[0].watch, ours[1], EPOLLIN, channel_ready);
	if (!tty)
		loop_watch(&s->output[1].watch, ours[2], EPOLLIN, channel_ready);
	return 0;
}

int sandbox_start(const struct sandbox_spec *spec, const struct sandbox_ops *ops, void *data,
		  struct sandbox **ret, struct error *e)
{
	_cleanup_(close_ends) struct ends x = { -1, -1, -1, -1, -1, false };
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new(ops, data);
	int ours[4] = { -1, -1, -1, -1 };
	if (!s)
		return error_oom(e);
	s->joined = spec->join > 0 && !spec->tty;
	char ids[BWRAP_WORDS][BWRAP_WORD];
	_cleanup_(cleanup_free) char **argv = bwrap_argv_new(spec, ids);
	int r = argv ? ends_open(spec, &x, ours) : -ENOMEM;
	if (r == 0) {
		s->bwrap = fork();
		if (s->bwrap == 0)
			child_run(spec, &x, argv);
		r = s->bwrap < 0 ? -errno : sandbox_attach(s, ours, spec->tty, e);
	}
	if (r < 0) {
		for (int i = 0; i < 4; i++)
			if (ours[i] >= 0 && (i != 1 || ours[1] != ours[0]))
				close(ours[i]);
		s->bwrap = s->bwrap > 0 ? s->bwrap : 0;
		return error_set(e, -r, "cannot start a sandbox: %s", strerror(-r));
	}
	*ret = move_ptr(&s);
	return 0;
}

void sandbox_signal(const struct sandbox *s, int signal)
{
	if (s->command > 0)
		kill(s->command, signal);
	else if (s->bwrap > 0)
		kill(s->bwrap, SIGKILL);
}

void sandbox_kill(const struct sandbox *s)
{
	if (s->command > 0)
		kill(s->command, SIGKILL);
	else if (s->bwrap > 0)
		kill(s->bwrap, SIGKILL);
}

void sandbox_free(struct sandbox *s)
{
	if (!s)
		return;
	list_remove(&s->node);
	int input = s->input;
	for (int i = 0; i < 2; i++)
		channel_close(&s->output[i]);
	if (s->input >= 0 && s->input == input)
		close(input);
	fd_close(&s->info);
	fd_close(&s->pidfd);
	if (s->bwrap > 0) {
		kill(s->bwrap, SIGKILL);
		waitpid(s->bwrap, NULL, 0);
	}
	free(s);
}

pid_t sandbox_pid(const struct sandbox *s)
{
	return s->command;
}

int sandbox_stdin(const struct sandbox *s)
{
	return s->input;
}

int sandbox_take_stdin(struct sandbox *s)
{
	int fd = s->input;
	s->input = -1;
	return fd;
}

void sandbox_pause(struct sandbox *s, bool pause)
{
	for (int i = 0; i < 2; i++) {
		struct loop_fd *f = &s->output[i].watch;
		int fd = f->fd;
		if (fd < 0 || pause == !f->ready)
			continue;
		if (!pause) {
			loop_watch(f, fd, EPOLLIN, channel_ready);
			continue;
		}
		loop_unwatch(f);
		f->fd = fd;
	}
}

/* Somebody must still reap the child: its exit comes to nobody, and then s goes. */
static void abandoned_output(void *data, int stream, const char *bytes, size_t len)
{
	(void)data;
	(void)stream;
	(void)bytes;
	(void)len;
}

static void abandoned_exited(void *data, int code)
{
	(void)code;
	sandbox_free(data);
}

void sandbox_abandon(struct sandbox *s)
{
	static const struct sandbox_ops ops = { abandoned_output, abandoned_exited };
	list_push_back(&sandbox_abandoned, &s->node);
	s->ops = &ops;
	s->data = s;
	sandbox_pause(s, false);
	if (s->input >= 0 && s->input != s->output[0].watch.fd) {
		close(s->input);
		s->input = -1;
	}
}

void sandbox_free_abandoned(void)
{
	list_for_each(s, &sandbox_abandoned, struct sandbox, node)
		sandbox_free(s);
}
