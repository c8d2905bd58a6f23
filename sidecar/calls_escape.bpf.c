// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to leave the sandbox, by sys_exit everywhere: it alone sees those that seccomp refuses,
 * and one place means one record for each call, with its result. Registers are the kernel's copy
 * and cannot be changed by another thread; names are the caller's (EVENT_ASKED).
 */
#include "sidecar/call.bpf.h"

#define PTRACE_TRACEME 0
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
#define PERSONALITY_QUERY 0xffffffff
#define CLONE_NEWTIME 0x80 /* of clone(2) these bits are a signal */

static __always_inline bool escape_counts(struct call *c)
{
	__u64 flags = 0;
	switch (c->code) {
	case ESCAPE_CLONE:
		return c->ret < 0 && (c->arg[0] & CLONE_NEW_ANY & ~CLONE_NEWTIME);
	case ESCAPE_CLONE3:
		bpf_probe_read_user(&flags, sizeof(flags), (void *)c->arg[0]);
		return c->ret < 0 && (flags & CLONE_NEW_ANY);
	case ESCAPE_PTRACE:
		return c->arg[0] == PTRACE_TRACEME || c->arg[0] == PTRACE_ATTACH ||
		       c->arg[0] == PTRACE_SEIZE;
	case ESCAPE_PERSONALITY:
		return (__u32)c->arg[0] != PERSONALITY_QUERY;
	}
	return !call_restarts(c);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_escape, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (!escape_counts(&c))
		return 0;
	struct draft *d = draft_new(EVENT_ESCAPE);
	if (!d)
		return 0;
	d->event.escape.op = ESCAPE_OP_SYSCALL;
	d->event.escape.arg0 = c.arg[0];
	d->event.escape.arg1 = c.arg[1];
	d->event.escape.arg2 = c.arg[2];
	call_result(&d->event, &d->event.escape.result, c.ret);
	__u64 first = 0, second = 0;
	if (c.code == ESCAPE_PATH || c.code == ESCAPE_PATH2)
		first = c.arg[0];
	if (c.code == ESCAPE_PATH_AT || c.code == ESCAPE_MOVE_MOUNT || c.code == ESCAPE_PATH2)
		second = c.arg[1];
	if (c.code == ESCAPE_PATH_AT || c.code == ESCAPE_MOVE_MOUNT) {
		first = second;
		second = c.code == ESCAPE_MOVE_MOUNT ? c.arg[3] : 0;
	}
	if (first || second)
		d->event.flags |= EVENT_ASKED;
	if (first)
		text_user_str(d, 0, (void *)first);
	if (second)
		text_user_str(d, 1, (void *)second);
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
