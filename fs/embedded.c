/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child dies with the thread that has made it (PR_SET_PDEATHSIG), so it is started by the main
 * thread and after the last fork; a kill -9 of the mount takes its pods along. It has a process
 * group of its own: Ctrl-C is for the mount, which ends it when it has unmounted.
 */
#include "fs/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/signals.h"
#include "k8s/base/beside.h"
#include "k8s/base/buf.h"
#include "k8s/base/clock.h"

#define READY_NS (20 * CLOCK_NS_PER_S)
#define END_NS (8 * CLOCK_NS_PER_S)
#define POLL_MS 10
#define DIR_PREFIX "/tmp/weaverfs-kubesim."
#define SWEEP_AGE_S 60

struct embedded {
	char dir[64], kubeconfig[96], state[96], log[96];
	int lock;  /* of dir, locked while it is in use; -1: none */
	pid_t pid; /* 0: not running */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

/* In the child: only what is safe between fork and exec. */
static void run_child(const struct embedded *m, char *const argv[], pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);
	int log = open(m->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int spawn(struct embedded *m, struct error *e)
{
	char program[PATH_MAX];
	char *argv[] = { program,
			 (char[]){ "--listen" },
			 (char[]){ "127.0.0.1:0" },
			 (char[]){ "--state" },
			 m->dir,
			 NULL };
	pid_t parent = getpid();

	beside_find("kubesim", program);
	pid_t pid = fork();
	if (pid < 0)
		return error_set(e, errno, "kubesim cannot be started: %s", strerror(errno));
	if (pid == 0)
		run_child(m, argv, parent);
	m->pid = pid;
	return 0;
}

/* Whether it has ended by itself; then *ret_status is its wait status. */
static bool has_ended(struct embedded *m, int *ret_status)
{
	if (waitpid(m->pid, ret_status, WNOHANG) != m->pid)
		return false;
	m->pid = 0;
	return true;
}

static int explain_end(const struct embedded *m, int status, struct error *e)
{
	char text[512] = "";
	_cleanup_(cleanup_close) int fd = open(m->log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(e, EIO, "kubesim has ended (status %d) before it was ready: %s",
			 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
			 text[0] ? text : "it has said nothing");
}

static int wait_ready(struct embedded *m, struct error *e)
{
	int64_t deadline_ns = clock_monotonic_ns() + READY_NS;
	int status;

	while (access(m->kubeconfig, R_OK) < 0) {
		if (has_ended(m, &status))
			return explain_end(m, status, e);
		if (signals_stopping())
			return error_set(e, EINTR, "stopped by a signal before the mount");
		if (clock_monotonic_ns() >= deadline_ns)
			return error_set(e, ETIMEDOUT, "kubesim has not written %s in time",
					 m->kubeconfig);
		poll(NULL, 0, POLL_MS);
	}
	return 0;
}

static void remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* The fd of a directory of ours that nobody uses, locked; -1: it is none, or in use. */
static int lock_dir(const char *dir)
{
	_cleanup_(cleanup_close) int fd =
		open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	int locked = fd;
	fd = -1;
	return locked;
}

/* What a kill -9 has left. Young ones may be of a start that has not locked its own yet. */
static void sweep_dirs(void)
{
	time_t now = time(NULL);
	glob_t found;

	if (glob(DIR_PREFIX "??????", GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_(cleanup_close) int fd = lock_dir(found.gl_pathv[i]);
		struct stat st;
		if (fd >= 0 && fstat(fd, &st) == 0 && now - st.st_mtime > SWEEP_AGE_S)
			remove_tree(found.gl_pathv[i]);
	}
	globfree(&found);
}

static int make_dir(struct embedded *m, struct error *e)
{
	strcpy(m->dir, DIR_PREFIX "XXXXXX");
	if (!mkdtemp(m->dir)) { /* 0700 */
		m->dir[0] = '\0';
		return error_set(e, errno, "no directory for kubesim in /tmp: %s", strerror(errno));
	}
	m->lock = lock_dir(m->dir);
	snprintf(m->kubeconfig, sizeof(m->kubeconfig), "%s/kubeconfig", m->dir);
	snprintf(m->state, sizeof(m->state), "%s/weaverfs", m->dir);
	snprintf(m->log, sizeof(m->log), "%s/kubesim.log", m->dir);
	return 0;
}

int embedded_start(struct embedded **ret, struct error *e)
{
	_cleanup_(embedded_stopp) struct embedded *m = calloc(1, sizeof(*m));

	if (!m)
		return error_oom(e);
	m->lock = -1;
	sweep_dirs();
	int r = make_dir(m, e);
	if (r == 0)
		r = spawn(m, e);
	if (r == 0)
		r = wait_ready(m, e);
	if (r < 0)
		return r;
	*ret = move_ptr(&m);
	return 0;
}

const char *embedded_kubeconfig(const struct embedded *m)
{
	return m->kubeconfig;
}

const char *embedded_state_dir(const struct embedded *m)
{
	return m->state;
}

void embedded_stop(struct embedded *m)
{
	int64_t deadline_ns = clock_monotonic_ns() + END_NS;
	int status;

	if (m->pid) {
		kill(m->pid, SIGTERM);
		while (!has_ended(m, &status) && clock_monotonic_ns() < deadline_ns)
			poll(NULL, 0, POLL_MS);
	}
	if (m->pid) {
		kill(m->pid, SIGKILL);
		waitpid(m->pid, &status, 0);
	}
	if (m->dir[0])
		remove_tree(m->dir);
	cleanup_close(&m->lock);
	free(m);
}
