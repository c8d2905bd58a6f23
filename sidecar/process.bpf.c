// SPDX-License-Identifier: GPL-2.0
/*
 * Processes: exec, fork, exit, and who comes into the pod's cgroup or leaves it. Tracepoints alone,
 * which every kernel has.
 *
 * Container runtimes set a container up from inside its cgroup: mounts, setns, capset, all of which
 * would look like an escape. A process that comes from outside is therefore in setup until it
 * executes another program than it came with, or one in another mount namespace (runc executes
 * itself once more, from a memfd, before that). What it forks meanwhile is in setup, too.
 */
#include "sidecar/probe.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} exited SEC(".maps");

static __always_inline bool is_memfd(struct file *f)
{
	return BPF_CORE_READ(f, f_path.dentry, d_sb, s_flags) & SB_KERNMOUNT;
}

static __always_inline void member_add(struct task_struct *t, bool setup)
{
	struct scope_member m = { .start_ns = BPF_CORE_READ(t, start_boottime), .setup = setup };
	__u32 tgid = BPF_CORE_READ(t, tgid);
	struct inode *exe = task_exe(t);
	m.mount_ns = (__u64)BPF_CORE_READ(t, nsproxy, mnt_ns);
	m.inode = BPF_CORE_READ(exe, i_ino);
	bpf_map_update_elem(&members, &tgid, &m, BPF_ANY);
}

/* The exec that is under way ends the setup of its process, or is the runtime's own. */
static __always_inline void member_exec(struct task_struct *t, struct file *exe)
{
	__u32 tgid = BPF_CORE_READ(t, tgid);
	struct scope_member *m = bpf_map_lookup_elem(&members, &tgid);
	if (!m) {
		member_add(t, false);
		return;
	}
	bool moved = (__u64)BPF_CORE_READ(t, nsproxy, mnt_ns) != m->mount_ns;
	if (moved || (!is_memfd(exe) && BPF_CORE_READ(exe, f_inode, i_ino) != m->inode))
		m->setup = 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	if (!task_in_pod(t) || (__u32)t->tgid == scope.self_tgid)
		return 0;
	struct file *exe = BPF_CORE_READ(t, mm, exe_file);
	member_exec(t, exe);
	struct draft *d = draft_new(EVENT_EXEC);
	if (!d)
		return 0;
	struct event *e = &d->event;
	e->flags |= EVENT_HOOK;
	e->exec.inode = BPF_CORE_READ(exe, f_inode, i_ino);
	e->exec.dev = BPF_CORE_READ(exe, f_inode, i_sb, s_dev);
	e->exec.old_tid = old_pid;
	struct task_struct *first = task_reaper(t);
	if (first && BPF_CORE_READ(first, nsproxy, mnt_ns) != BPF_CORE_READ(t, nsproxy, mnt_ns))
		e->flags |= EVENT_NAMESPACED;
	text_file_path(d, 0, exe);
	__u64 from = BPF_CORE_READ(t, mm, arg_start);
	__u64 len = BPF_CORE_READ(t, mm, arg_end) - from;
	e->exec.args_len = len;
	if (len > EVENT_TEXT_MAX)
		e->flags |= EVENT_ARGS_TRUNCATED;
	if (text_user(d, 1, (void *)from, len))
		e->flags |= EVENT_ARGS_UNREAD;
	text_directory(d, 2, t);
	draft_send(d);
	return 0;
}

static __always_inline void escape_send(struct draft *d, __u32 op, __u64 arg0)
{
	if (!d)
		return;
	d->event.flags |= EVENT_HOOK;
	d->event.escape.op = op;
	d->event.escape.arg0 = arg0;
	draft_send(d);
}

static __always_inline void cgroup_left(struct task_struct *t, struct cgroup *to)
{
	struct draft *d = draft_of(EVENT_ESCAPE, address_of(t));
	if (!d)
		return;
	text_kernel_str(d, 0, BPF_CORE_READ(to, kn, name));
	escape_send(d, ESCAPE_OP_LEAVE_CGROUP, cgroup_id(to));
}

static __always_inline void fork_send(struct task_struct *child, __u64 flags)
{
	struct draft *d = draft_new(EVENT_FORK);
	if (!d)
		return;
	d->event.flags |= EVENT_HOOK;
	d->event.fork.flags = flags;
	d->event.fork.child_pid = BPF_CORE_READ(child, tgid);
	d->event.fork.child_ns_pid = pid_in_namespace(child);
	d->event.fork.child_start_ns = BPF_CORE_READ(child, start_boottime);
	draft_send(d);
}

/* task_newtask and not sched_process_fork: it knows the flags that were in force. */
SEC("tp_btf/task_newtask")
int BPF_PROG(process_fork, struct task_struct *child, unsigned long flags)
{
	if (flags & CLONE_THREAD)
		return 0;
	struct task_struct *parent = current_task();
	bool from = task_in_pod(parent), to = task_in_pod(child);
	if (!from && !to)
		return 0;
	if (!from) {
		member_add(child, true); /* CLONE_INTO_CGROUP */
		return 0;
	}
	if (task_is_ours(parent))
		return 0;
	__u32 tgid = BPF_CORE_READ(parent, tgid), child_tgid = BPF_CORE_READ(child, tgid);
	struct scope_member *m = bpf_map_lookup_elem(&members, &tgid);
	if (!to) {
		cgroup_left(child, task_cgroup(child, scope.v1));
	} else if (m) {
		struct scope_member copy = *m;
		copy.start_ns = BPF_CORE_READ(child, start_boottime);
		bpf_map_update_elem(&members, &child_tgid, &copy, BPF_ANY);
	} else {
		member_add(child, false);
	}
	fork_send(child, flags);
	if (flags & CLONE_NEW_ANY)
		escape_send(draft_new(EVENT_ESCAPE), ESCAPE_OP_NAMESPACES, flags & CLONE_NEW_ANY);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *t)
{
	struct signal_struct *signal = t->signal;
	if (BPF_CORE_READ(signal, live.counter))
		return 0;
	__u32 tgid = t->tgid;
	if (tgid == scope.self_tgid || !task_in_pod(t))
		return 0;
	/* two threads that end at once may both find nobody alive */
	__u64 start = BPF_CORE_READ(t, group_leader, start_boottime),
	      key = start ^ (__u64)tgid << 40;
	if (bpf_map_update_elem(&exited, &key, &start, BPF_NOEXIST))
		return 0;
	struct draft *d = draft_new(EVENT_EXIT);
	bpf_map_delete_elem(&members, &tgid);
	if (!d)
		return 0;
	int status = BPF_CORE_READ(signal, group_exit_code);
	d->event.flags |= EVENT_HOOK;
	d->event.exit.status = status ? status : BPF_CORE_READ(t, group_leader, exit_code);
	draft_send(d);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(process_cgroup, struct cgroup *to, const char *path, struct task_struct *t)
{
	/* there is one for each hierarchy; the task is there by now */
	if (task_cgroup(t, scope.v1) != to)
		return 0;
	__u32 tgid = BPF_CORE_READ(t, tgid);
	bool member = bpf_map_lookup_elem(&members, &tgid);
	if (cgroup_in_pod(to)) {
		if (!member && tgid != scope.self_tgid)
			member_add(t, true);
	} else if (member) {
		cgroup_left(t, to);
		bpf_map_delete_elem(&members, &tgid);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
