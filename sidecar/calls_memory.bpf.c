// SPDX-License-Identifier: GPL-2.0
/* Executable memory by sys_exit: the fallback. Also here: files written through a mapping. */
#include "sidecar/call.bpf.h"
#include "sidecar/file.bpf.h"

#define SHM_EXEC 0100000
#define IPC_SHMAT 21

static __always_inline void memory_send(struct call *c, __u64 addr, __u64 len, __u32 prot,
					__u32 flags, struct file *f)
{
	struct draft *d = draft_new(EVENT_MEMORY);
	if (!d)
		return;
	d->event.memory.addr = addr;
	d->event.memory.len = len;
	d->event.memory.prot = prot;
	d->event.memory.flags = flags;
	d->event.flags |= EVENT_RESULT;
	if (f) {
		d->event.memory.inode = BPF_CORE_READ(f, f_inode, i_ino);
		d->event.memory.dev = BPF_CORE_READ(f, f_inode, i_sb, s_dev);
		text_file_path(d, 0, f);
	}
	draft_send(d);
}

static __always_inline void memory_mapped(struct call *c)
{
	__u32 prot = c->arg[2], flags = c->arg[3];
	bool write = (prot & PROT_WRITE) && (flags & MAP_SHARED);
	if (!write && !(prot & PROT_EXEC))
		return;
	struct file *f = flags & MAP_ANONYMOUS ? NULL : fd_file(c->arg[4]);
	if (write && f)
		file_used((__u64)f, true, FILE_OP_MMAP_WRITE, 0);
	if (prot & PROT_EXEC)
		memory_send(c, c->ret, c->arg[1], prot, flags, f);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_memory, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	/* addresses of 32-bit callers may look negative: only errnos are */
	if (c.ret < 0 && c.ret >= -4095)
		return 0;
	switch (c.code) {
	case MEMORY_MMAP_OLD: {
		__u64 at = c.arg[0];
		for (int i = 0; i < 5; i++)
			c.arg[i] = user_word(at, i, true);
		memory_mapped(&c);
		break;
	}
	case MEMORY_MMAP:
		memory_mapped(&c);
		break;
	case MEMORY_MPROTECT:
		if (c.arg[2] & PROT_EXEC)
			memory_send(&c, c.arg[0], c.arg[1], c.arg[2], 0, NULL);
		break;
	case MEMORY_SHMAT:
		if (c.arg[2] & SHM_EXEC)
			memory_send(&c, c.ret, 0, PROT_EXEC, 0, NULL);
		break;
	case MEMORY_IPC:
		if ((c.arg[0] & 0xffff) == IPC_SHMAT && (c.arg[2] & SHM_EXEC))
			memory_send(&c, user_word(c.arg[3], 0, true), 0, PROT_EXEC, 0, NULL);
		break;
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
