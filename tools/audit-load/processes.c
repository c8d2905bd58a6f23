/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: each way to fork, to execute and to end. */
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

static const char *self;
static char name[] = "audit-load", option[] = "--noop";
static char *const noop[] = { name, option, NULL };

static void forked(int call, int pid)
{
	if (!pid)
		load_call(SYS_exit, 3);
	if (pid < 0)
		return;
	load_did(SEEN_ALWAYS, "process_fork", "", call);
	load_did(SEEN_ALWAYS, "process_exit", "", -1);
	waitpid(pid, NULL, __WALL);
}

static void forks(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	forked(SYS_fork, load_call(SYS_fork));
	forked(SYS_clone, load_call(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	forked(SYS_clone3, load_call(SYS_clone3, &args, sizeof(args)));
	int pid = vfork();
	if (!pid)
		_exit(0);
	if (pid > 0) {
		load_did(SEEN_ALWAYS, "process_fork", "", SYS_vfork);
		load_did(SEEN_ALWAYS, "process_exit", "", -1);
		waitpid(pid, NULL, 0);
	}
	if (load_has_compat())
		forked(LOAD_COMPAT | 2, load_compat(2, 0, 0, 0, 0, 0));
}

/* Which call it was the kernel forgets when it succeeds. */
static void executes(void)
{
	load_did(SEEN_ALWAYS, "process_exec", "", -1);
}

static void plain(void *arg)
{
	(void)arg;
	executes();
	load_call(SYS_execve, self, noop, environ);
}

static void by_fd(void *arg)
{
	(void)arg;
	int fd = load_call(SYS_open, self, O_RDONLY);
	load_did(SEEN_ALWAYS, "file_open", "open", SYS_open);
	executes();
	load_call(SYS_execveat, fd, "", noop, environ, AT_EMPTY_PATH);
}

/* Nothing but the memory file has this program: the copy was made by the parent. */
static void from_memory(void *arg)
{
	executes();
	load_call(SYS_execveat, *(int *)arg, "", noop, environ, AT_EMPTY_PATH);
}

static void memory_file(void)
{
	int fd = load_call(SYS_open, self, O_RDONLY), memory = memfd_create("copy", MFD_CLOEXEC);
	load_did(SEEN_ALWAYS, "file_open", "open", SYS_open);
	void *from = mmap(NULL, lseek(fd, 0, SEEK_END), PROT_READ, MAP_PRIVATE, fd, 0);
	int n = load_call(SYS_write, memory, from, lseek(fd, 0, SEEK_END));
	load_did(SEEN_ALWAYS, "file_write", "write", SYS_write);
	if (n > 0)
		load_child(from_memory, &memory);
	close(fd);
	close(memory);
}

static void *in_thread(void *arg)
{
	plain(arg);
	return NULL;
}

static void from_thread(void *arg)
{
	(void)arg;
	pthread_t thread;
	if (!pthread_create(&thread, NULL, in_thread, NULL))
		pthread_join(thread, NULL);
}

static void not_there(void *arg)
{
	(void)arg;
	load_did(SEEN_ALWAYS, "process_exec", "", SYS_execve);
	load_call(SYS_execve, "not there", noop, environ);
}

static void compat(void *arg)
{
	(void)arg;
	char *low = load_low(4096);
	unsigned *words = (unsigned *)(low + 2048);
	strncpy(low, self, 1024);
	strcpy(low + 1024, "--noop");
	words[0] = (unsigned)(long)low;
	words[1] = (unsigned)(long)(low + 1024);
	words[2] = 0;
	executes();
	load_compat(11, (long)low, (long)words, (long)(words + 2), 0, 0);
}

static void by_signal(void *arg)
{
	(void)arg;
	raise(SIGKILL);
}

void processes_do(const char *program)
{
	self = program;
	forks();
	load_child(plain, NULL);
	load_child(by_fd, NULL);
	memory_file();
	load_child(from_thread, NULL);
	load_child(not_there, NULL);
	load_child(by_signal, NULL);
	if (load_has_compat())
		load_child(compat, NULL);
}
