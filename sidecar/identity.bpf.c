// SPDX-License-Identifier: GPL-2.0
/*
 * Who we are: an answer to a system call of our own, for which no cgroup file system is needed and
 * no view of the host.
 */
#include "sidecar/asked.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scope_calibration);
} calibration SEC(".maps");

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

char _license[] SEC("license") = "GPL";
