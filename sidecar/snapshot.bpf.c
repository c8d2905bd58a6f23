// SPDX-License-Identifier: GPL-2.0
/* Who is in the pod already: an answer to a system call of our own, as in identity.bpf.c. */
#include "sidecar/asked.bpf.h"

struct snapshot {
	struct task_struct *at, *first;
};

static __always_inline void snapshot_task(struct task_struct *t)
{
	struct scope_member m = { .start_ns = BPF_CORE_READ(t, start_boottime) };
	__u32 tgid = BPF_CORE_READ(t, tgid);
	bpf_map_update_elem(&members, &tgid, &m, BPF_NOEXIST);
	struct draft *d = draft_of(EVENT_TASK, (__u64)t);
	if (!d)
		return;
	struct file *exe = BPF_CORE_READ(t, mm, exe_file);
	d->event.exec.inode = BPF_CORE_READ(exe, f_inode, i_ino);
	d->event.exec.dev = BPF_CORE_READ(exe, f_inode, i_sb, s_dev);
	d->event.exec.args_len = BPF_CORE_READ(t, mm, arg_end) - BPF_CORE_READ(t, mm, arg_start);
	d->event.flags |= EVENT_ARGS_UNREAD; /* another's memory cannot be read from here */
	text_path_of(d, 0, (__u64)t, (__u64)BPF_CORE_READ(exe, f_path.dentry),
		     (__u64)BPF_CORE_READ(exe, f_path.mnt));
	draft_send(d);
}

static long snapshot_step(__u32 i, struct snapshot *s)
{
	struct task_struct *at = s->at;
	struct list_head *next = BPF_CORE_READ(at, tasks.next);
	struct task_struct *t = (void *)next - bpf_core_field_offset(struct task_struct, tasks);
	if (!next || t == s->first)
		return 1;
	s->at = t;
	if (BPF_CORE_READ(t, mm) && task_in_pod(t) && !task_is_ours(t))
		snapshot_task(t);
	return 0;
}

/* The task list of the node, from our own place in it once round; a task iterator would see only
 * the PID namespace that we are in. */
SEC("tp_btf/sys_exit")
int BPF_PROG(snapshot, struct pt_regs *regs, long ret)
{
	if (!asked_by_us(regs))
		return 0;
	struct task_struct *t = current_task(), *leader = BPF_CORE_READ(t, group_leader);
	struct snapshot s = { .at = leader, .first = leader };
	bpf_loop(1 << 20, snapshot_step, &s, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
