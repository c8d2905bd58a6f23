// SPDX-License-Identifier: GPL-2.0
/*
 * sys_exit: every system call of the node passes here, so what is not audited must leave fast. The
 * rest is spread over one program for each group, each in an object of its own.
 */
#include "sidecar/call.bpf.h"

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	__u32 call = call_lookup(regs->orig_ax, call_is_compat());
	if (call && !(call & CALL_QUIET) && probe_scope())
		bpf_tail_call(ctx, &handlers, CALL_GROUP(call));
	return 0;
}

/* An exec that failed: the tracepoint of exec tells only of those that did not. */
SEC("tp_btf/sys_exit")
int BPF_PROG(call_process, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (c.ret >= 0)
		return 0;
	struct draft *d = draft_new(EVENT_EXEC);
	if (!d)
		return 0;
	call_result(&d->event, &d->event.exec.result, c.ret);
	d->event.flags |= EVENT_ASKED | EVENT_ARGS_UNREAD;
	text_user_str(d, 0, (void *)c.arg[c.code == PROCESS_EXECVEAT]);
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
