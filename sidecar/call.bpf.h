/* SPDX-License-Identifier: GPL-2.0 */
/* System calls as sys_exit shows them, and what file descriptors and user memory mean then. */
#pragma once
#include "sidecar/call_codes.h"
#include "sidecar/probe.bpf.h"

struct call {
	__u64 arg[6];
	__s64 ret;
	__u32 code, compat;
};

/* Words of struct pt_regs, which are where ptrace(2) has them, too. */
enum {
	REG_BP = 4,
	REG_BX,
	REG_R10 = 7,
	REG_R9,
	REG_R8,
	REG_AX,
	REG_CX,
	REG_DX,
	REG_SI,
	REG_DI,
	REG_ORIG_AX,
	REG_COUNT
};

/* index CALL_INDEX(), value CALL_MAKE(); filled in by user space */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * CALL_NUMBERS);
	__type(key, __u32);
	__type(value, __u32);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALLS_COUNT);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} handlers SEC(".maps");

static __always_inline bool call_is_compat(void)
{
	struct task_struct *t = bpf_get_current_task_btf();
	return t->thread_info.status & TS_COMPAT;
}

/* What the table says about the call; 0: nothing. */
static __always_inline __u32 call_lookup(__u64 nr, bool compat)
{
	nr &= ~0x40000000UL;
	if (nr >= CALL_NUMBERS)
		return 0;
	__u32 key = CALL_INDEX(compat, nr);
	__u32 *call = bpf_map_lookup_elem(&calls, &key);
	return call ? *call : 0;
}

/* The call that the current task is in, audited or not; 0: another one, or none. */
static __always_inline __u32 call_now(void)
{
	struct task_struct *t = bpf_get_current_task_btf();
	if (t->flags & PF_IO_WORKER)
		return 0;
	struct pt_regs *regs = (void *)bpf_task_pt_regs(t);
	return call_lookup(BPF_CORE_READ(regs, orig_ax), call_is_compat());
}

static __always_inline __u32 call_group_now(void)
{
	return CALL_GROUP(call_now());
}

__noinline int call_registers(struct call *c, __u64 regs, __s64 ret)
{
	__u64 word[REG_COUNT];
	if (!c || bpf_probe_read_kernel(word, sizeof(word), (void *)regs))
		return 0;
	c->compat = call_is_compat();
	c->code = CALL_CODE(call_lookup(word[REG_ORIG_AX], c->compat));
	c->ret = c->compat ? (__s32)ret : ret;
	if (c->compat) {
		c->arg[0] = (__u32)word[REG_BX];
		c->arg[1] = (__u32)word[REG_CX];
		c->arg[2] = (__u32)word[REG_DX];
		c->arg[3] = (__u32)word[REG_SI];
		c->arg[4] = (__u32)word[REG_DI];
		c->arg[5] = (__u32)word[REG_BP];
		return 0;
	}
	c->arg[0] = word[REG_DI];
	c->arg[1] = word[REG_SI];
	c->arg[2] = word[REG_DX];
	c->arg[3] = word[REG_R10];
	c->arg[4] = word[REG_R8];
	c->arg[5] = word[REG_R9];
	return 0;
}

static __always_inline struct call call_read(struct pt_regs *regs, long ret)
{
	struct call c = {};
	call_registers(&c, address_of(regs), ret);
	return c;
}

/* Results below zero are errnos; restarts within the kernel are not results at all. */
static __always_inline bool call_restarts(struct call *c)
{
	return c->ret <= -512 && c->ret >= -516;
}

static __always_inline void call_result(struct event *e, __s32 *result, __s64 ret)
{
	e->flags |= EVENT_RESULT;
	if (ret < 0)
		e->flags |= EVENT_FAILED;
	*result = ret;
}

/* The open file behind a descriptor of the current task, or NULL. */
static __always_inline struct file *fd_file(__s32 fd)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	struct file **files = BPF_CORE_READ(table, fd), *f = NULL;
	bpf_probe_read_kernel(&f, sizeof(f), files + fd);
	return f;
}

static __always_inline struct sock *file_sock(struct file *f)
{
	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	struct socket *socket = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* One word of the caller's: four bytes for a 32-bit one. */
static __always_inline __u64 user_word(__u64 at, __u32 index, bool compat)
{
	__u64 word = 0;
	if (compat) {
		__u32 half = 0;
		bpf_probe_read_user(&half, sizeof(half), (void *)(at + index * 4));
		return half;
	}
	bpf_probe_read_user(&word, sizeof(word), (void *)(at + index * 8));
	return word;
}
