// SPDX-License-Identifier: GPL-2.0
/*
 * Access to another process that no audited call asks for: /proc/PID/mem and its like. The calls
 * themselves (ptrace, process_vm_readv, pidfd_getfd, kcmp) are sys_exit's.
 */
#include "sidecar/call.bpf.h"

#define PTRACE_MODE_ATTACH 2

SEC("fentry/security_ptrace_access_check")
int BPF_PROG(escape_ptrace, struct task_struct *child, unsigned int mode)
{
	if (!(mode & PTRACE_MODE_ATTACH) || !probe_scope() || call_group_now() == CALLS_ESCAPE)
		return 0;
	__u32 target = BPF_CORE_READ(child, tgid);
	if (target == (__u32)(bpf_get_current_pid_tgid() >> 32))
		return 0;
	struct draft *d = draft_new(EVENT_ESCAPE);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	d->event.escape.op = ESCAPE_OP_PTRACE_ACCESS;
	d->event.escape.arg0 = target;
	d->event.escape.arg1 = mode;
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
