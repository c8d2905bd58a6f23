// SPDX-License-Identifier: GPL-2.0
/*
 * Privileges by sys_exit: attempts that failed, always; and where commit_creds cannot be hooked,
 * changes too. What a task's credentials were is then kept here, from its fork or exec on; of one
 * that was there before us the old values are not known (-1).
 */
#include "sidecar/call.bpf.h"
#include "sidecar/privilege.bpf.h"

#define PR_SET_SECUREBITS 28
#define PR_SET_NO_NEW_PRIVS 38
#define PR_CAPBSET_DROP 24
#define PR_CAP_AMBIENT 47

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct privileges);
} privileges_known SEC(".maps");

static __always_inline bool prctl_counts(__u64 option)
{
	return option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECUREBITS ||
	       option == PR_CAPBSET_DROP || option == PR_CAP_AMBIENT;
}

/* Compares with what was known, keeps what is now. Returns whether there is anything to tell. */
static __always_inline bool privileges_update(struct task_struct *t, struct privileges *old,
					      struct privileges *now)
{
	__u32 tid = BPF_CORE_READ(t, pid);
	privileges_of(now, BPF_CORE_READ(t, cred));
	struct privileges *known = bpf_map_lookup_elem(&privileges_known, &tid);
	if (known)
		*old = *known;
	else
		__builtin_memset(old, -1, sizeof(*old));
	if (known && !privileges_differ(known, now))
		return false;
	bpf_map_update_elem(&privileges_known, &tid, now, BPF_ANY);
	return true;
}

static __always_inline void privilege_send(struct call *c, struct privileges *old,
					   struct privileges *now)
{
	struct draft *d = draft_new(EVENT_PRIVILEGE);
	if (!d)
		return;
	privileges_put(&d->event, old, now);
	if (c) {
		d->event.privilege.arg0 = c->arg[0];
		d->event.privilege.arg1 = c->arg[1];
		call_result(&d->event, &d->event.privilege.result, c->ret);
	}
	draft_send(d);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_privilege, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (c.code == PRIVILEGE_PRCTL && !prctl_counts(c.arg[0]))
		return 0;
	struct privileges old, now;
	bool changed = privileges_update(current_task(), &old, &now);
	/* no_new_privs is in no credentials: the call itself is what happened */
	bool itself = c.ret < 0 || (c.code == PRIVILEGE_PRCTL && c.arg[0] == PR_SET_NO_NEW_PRIVS);
	if (itself && !changed)
		old = now;
	if (itself || (!scope.creds_hooked && changed))
		privilege_send(&c, &old, &now);
	return 0;
}

/* A set-uid program, file capabilities. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(privilege_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	struct privileges old, now;
	__u32 tid = BPF_CORE_READ(t, pid);
	if (scope.creds_hooked || !probe_scope())
		return 0;
	bool known = bpf_map_lookup_elem(&privileges_known, &tid);
	if (privileges_update(t, &old, &now) && known)
		privilege_send(NULL, &old, &now);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(privilege_fork, struct task_struct *child, unsigned long flags)
{
	if (scope.creds_hooked || !task_in_pod(child))
		return 0;
	struct privileges now;
	__u32 tid = BPF_CORE_READ(child, pid);
	privileges_of(&now, BPF_CORE_READ(child, cred));
	bpf_map_update_elem(&privileges_known, &tid, &now, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
