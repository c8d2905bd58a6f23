/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts to leave a sandbox: each audited call once, with arguments that make it fail, or harm
 * nobody where it succeeds. What counts is that it was called.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

static const char nowhere[] = "/not/there";
#define NOWHERE ((long)nowhere)

struct attempt {
	int call;
	long a, b, c, d, e;
};

static const struct attempt attempts[] = {
	{ SYS_setns, -1 },
	{ SYS_mount, NOWHERE, NOWHERE, NOWHERE },
	{ SYS_umount2, NOWHERE },
	{ SYS_pivot_root, NOWHERE, NOWHERE },
	{ SYS_chroot, NOWHERE },
	{ SYS_bpf, -1 },
	{ SYS_process_vm_readv, -1, 0, 0 },
	{ SYS_process_vm_writev, -1, 0, 0 },
	{ SYS_init_module, 0, 0, 0 },
	{ SYS_finit_module, -1 },
	{ SYS_delete_module, NOWHERE },
	{ SYS_kexec_load, 0, 1000 },
	{ SYS_kexec_file_load, -1, -1 },
	{ SYS_add_key },
	{ SYS_request_key },
	{ SYS_keyctl, -1 },
	{ SYS_userfaultfd, -1 },
	{ SYS_perf_event_open },
	{ SYS_open_tree, -1, NOWHERE, -1 },
	{ SYS_move_mount, -1, NOWHERE, -1, NOWHERE },
	{ SYS_fsopen, NOWHERE },
	{ SYS_fsmount, -1 },
	{ SYS_fspick, -1, NOWHERE },
	{ SYS_mount_setattr, -1, NOWHERE, -1 },
	{ SYS_iopl, 100 },
	{ SYS_ioperm, -1, 1, 1 },
	{ SYS_syslog, 10 },
	{ SYS_acct, NOWHERE },
	{ SYS_swapon, NOWHERE },
	{ SYS_swapoff, NOWHERE },
	{ SYS_sethostname, 0, -1 },
	{ SYS_setdomainname, 0, -1 },
	{ SYS_fanotify_init, -1 },
	{ SYS_quotactl, -1, NOWHERE },
	{ SYS_quotactl_fd, -1 },
	{ SYS_reboot },
	{ SYS_pidfd_getfd, -1 },
	{ SYS_kcmp, -1, -1, -1 },
	{ SYS_settimeofday },
	{ SYS_clock_settime, -1 },
	{ SYS_memfd_secret, -1 },
	{ SYS_personality, 0x400000 },
	{ SYS_unshare, CLONE_NEWUTS },
	{ SYS_ptrace, PTRACE_TRACEME },
};

static const struct attempt compat_attempts[] = {
	{ 21 /* mount */ },
	{ 310 /* unshare */, CLONE_NEWUTS },
	{ 357 /* bpf */, -1 },
};

static void try(void *arg)
{
	const struct attempt *t = arg;
	load_did(SEEN_ALWAYS, "sandbox_escape", "syscall", t->call);
	load_call(t->call, t->a, t->b, t->c, t->d, t->e);
}

static void try_compat(void *arg)
{
	const struct attempt *t = arg;
	load_did(SEEN_ALWAYS, "sandbox_escape", "syscall", LOAD_COMPAT | t->call);
	load_compat(t->call, t->a, t->b, t->c, t->d, t->e);
}

/* A child in namespaces of its own: seen where it is made, a refusal at the end of the call. */
static void cloned(int call, int pid)
{
	if (!pid)
		_exit(0);
	load_did(SEEN_ALWAYS, "sandbox_escape", pid > 0 ? "namespaces" : "syscall", call);
	if (pid < 0)
		return;
	load_did(SEEN_ALWAYS, "process_fork", "", call);
	load_did(SEEN_ALWAYS, "process_exit", "", -1);
	waitpid(pid, NULL, 0);
}

/* The memory of another process through its file: no call says so. */
static void memory_of(void)
{
	char path[64];
	int ends[2];
	if (pipe(ends))
		return;
	int pid = load_call(SYS_fork);
	if (!pid) {
		char byte;
		close(ends[1]);
		load_call(SYS_exit, (int)read(ends[0], &byte, 1));
	}
	load_did(SEEN_ALWAYS, "process_fork", "", SYS_fork);
	load_did(SEEN_ALWAYS, "process_exit", "", -1);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int fd = load_call(SYS_openat, AT_FDCWD, path, O_RDONLY);
	load_did(SEEN_ALWAYS, "file_open", "open", SYS_openat);
	load_did(SEEN_BY_HOOKS, "sandbox_escape", "ptrace_access", SYS_openat);
	close(fd);
	close(ends[1]);
	close(ends[0]);
	waitpid(pid, NULL, 0);
}

void escapes_do(void)
{
	for (unsigned i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		load_child(try, (void *)(unsigned long)&attempts[i]);
	struct clone_args args = { .flags = CLONE_NEWUTS, .exit_signal = SIGCHLD };
	cloned(SYS_clone, load_call(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
	cloned(SYS_clone3, load_call(SYS_clone3, &args, sizeof(args)));
	memory_of();
	if (!load_has_compat())
		return;
	for (unsigned i = 0; i < sizeof(compat_attempts) / sizeof(compat_attempts[0]); i++)
		load_child(try_compat, (void *)(unsigned long)&compat_attempts[i]);
}
