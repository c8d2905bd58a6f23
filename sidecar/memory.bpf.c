// SPDX-License-Identifier: GPL-2.0
/* Executable memory by hooks: the first choice. What an exec maps is the exec's. */
#include "sidecar/call.bpf.h"

static __always_inline int memory_send(struct file *f, __u64 addr, __u64 len, __u32 prot,
				       __u32 flags)
{
	struct draft *d = draft_new(EVENT_MEMORY);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	d->event.memory.addr = addr;
	d->event.memory.len = len;
	d->event.memory.prot = prot;
	d->event.memory.flags = flags;
	if (f) {
		d->event.memory.inode = BPF_CORE_READ(f, f_inode, i_ino);
		d->event.memory.dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev);
		text_file_path(d, 0, f);
	}
	draft_send(d);
	return 0;
}

SEC("fentry/security_mmap_file")
int BPF_PROG(memory_mmap, struct file *f, unsigned long prot, unsigned long flags)
{
	if (!(prot & PROT_EXEC) || !probe_scope() || call_group_now() == CALLS_PROCESS)
		return 0;
	if (f && BPF_CORE_READ(f, f_mode) & FMODE_NOACCOUNT)
		return 0;
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	__u64 len = call_is_compat() ? (__u32)BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si);
	return memory_send(f, 0, call_group_now() == CALLS_MEMORY ? len : 0, prot, flags);
}

SEC("fentry/security_file_mprotect")
int BPF_PROG(memory_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
{
	if (!(prot & PROT_EXEC) || !probe_scope() || call_group_now() == CALLS_PROCESS)
		return 0;
	__u64 from = BPF_CORE_READ(vma, vm_start);
	return memory_send(BPF_CORE_READ(vma, vm_file), from, BPF_CORE_READ(vma, vm_end) - from,
			   prot, 0);
}

char _license[] SEC("license") = "GPL";
