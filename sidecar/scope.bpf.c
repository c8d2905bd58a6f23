// SPDX-License-Identifier: GPL-2.0
/*
 * Who we are and who else is there: programs that answer to a system call of our own. They need no
 * cgroup file system and no view of the host. Loaded twice: to calibrate, before the scope is
 * known, and for the snapshot.
 */
#include "sidecar/probe.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scope_calibration);
} calibration SEC(".maps");

#define NR_GETPID 39

static __always_inline bool asked_by_us(struct pt_regs *regs)
{
	return regs->orig_ax == NR_GETPID && regs->di == scope.nonce;
}

static __always_inline void levels_of(struct cgroup *c, struct scope_found *found)
{
	found->level = BPF_CORE_READ(c, level);
	for (int i = 0; i < SCOPE_LEVELS; i++) {
		if (!c)
			break;
		const char *name = BPF_CORE_READ(c, kn, name);
		found->id[i] = cgroup_id(c);
		bpf_probe_read_kernel_str(found->name[i], SCOPE_NAME, name);
		found->levels = i + 1;
		struct cgroup_subsys_state *up = BPF_CORE_READ(c, self.parent);
		c = up ? (void *)up - bpf_core_field_offset(c->self) : NULL;
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(calibrate, struct pt_regs *regs, long ret)
{
	if (!asked_by_us(regs))
		return 0;
	__u32 zero = 0;
	struct scope_calibration *found = bpf_map_lookup_elem(&calibration, &zero);
	if (!found)
		return 0;
	struct task_struct *t = current_task();
	levels_of(task_cgroup(t, false), &found->v2);
	levels_of(task_cgroup(t, true), &found->v1);
	struct inode *exe = task_exe(t);
	found->inode = BPF_CORE_READ(exe, i_ino);
	found->dev = BPF_CORE_READ(exe, i_sb, s_dev);
	found->tgid = BPF_CORE_READ(t, tgid);
	return 0;
}

struct snapshot {
	struct task_struct *at, *first;
};

static __always_inline void snapshot_task(struct task_struct *t)
{
	struct scope_member m = { .start_ns = BPF_CORE_READ(t, start_boottime) };
	__u32 tgid = BPF_CORE_READ(t, tgid);
	bpf_map_update_elem(&members, &tgid, &m, BPF_NOEXIST);
	struct draft *d = draft_of(EVENT_TASK, t);
	if (!d)
		return;
	struct file *exe = BPF_CORE_READ(t, mm, exe_file);
	d->event.syscall = -1;
	BPF_CORE_READ_STR_INTO(&d->event.comm, t, comm);
	d->event.exec.inode = BPF_CORE_READ(exe, f_inode, i_ino);
	d->event.exec.dev = BPF_CORE_READ(exe, f_inode, i_sb, s_dev);
	d->event.exec.args_len = BPF_CORE_READ(t, mm, arg_end) - BPF_CORE_READ(t, mm, arg_start);
	d->event.flags |= EVENT_ARGS_UNREAD; /* another's memory cannot be read from here */
	text_path_of(d, 0, t, BPF_CORE_READ(exe, f_path.dentry), BPF_CORE_READ(exe, f_path.mnt));
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
