/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all objects share: scope, the record under construction, the way into the rings.
 *
 * A program asks probe_scope(), takes a draft with draft_new(), fills in details, appends texts and
 * ends with draft_send() or draft_drop(), always: another draft is lost to its CPU. Maps of one
 * name are one map; the loader sees to that.
 *
 * Functions that are not static are verified once for each program, whatever leads to them: that
 * keeps the sidecar's start cheap. Such a function takes numbers, kernel pointers among them
 * (address_of), and the draft, of which it has to ask again whether it is there.
 */
#pragma once
#include "sidecar/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sidecar/scope.h"

/* A value's bound that neither clang can drop nor a verifier of 6.1 overlook. */
#define BOUND(x, mask)                                                                             \
	({                                                                                         \
		__u64 _x = (x);                                                                    \
		asm volatile("" : "+r"(_x));                                                       \
		_x &= (mask);                                                                      \
		_x;                                                                                \
	})

/* A pointer of the kernel's types as a number, for functions that are not static. */
static __always_inline __u64 address_of(const void *typed)
{
	__u64 address = 0;
	bpf_probe_read_kernel(&address, sizeof(address), &typed);
	return address;
}

#define WALK_MAX 4096 /* bytes of a path */
#define WALK_STEPS 512
#define DRAFTS 4
/* two texts of EVENT_TEXT_MAX end before a power of two, and the third has its own 4 KiB */
#define TEXT_SPACE (EVENT_TEXTS * 4096)

/* A record under construction. More than one per CPU: an interrupt may need one meanwhile. */
struct draft {
	__u32 busy;
	__u32 len; /* bytes of text */
	char walk[WALK_MAX + 256];
	struct event event;
	char text[TEXT_SPACE];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring_normal SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} ring_critical SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scope_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DRAFTS);
	__type(key, __u32);
	__type(value, struct draft);
} drafts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct scope_member);
} members SEC(".maps");

/* user space counts its reports here, so that first_ns can be told from an older one */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} rounds SEC(".maps");

const volatile struct scope scope SEC(".rodata.scope");

static __always_inline struct cgroup *task_cgroup(struct task_struct *t, bool v1)
{
	struct css_set *set = BPF_CORE_READ(t, cgroups);
	if (!v1)
		return BPF_CORE_READ(set, dfl_cgrp);
	struct cgroup_subsys_state *css = NULL;
	__u32 pids = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) +
				      pids * sizeof(css));
	return BPF_CORE_READ(css, cgroup);
}

static __always_inline __u64 cgroup_id(struct cgroup *c)
{
	return BPF_CORE_READ(c, kn, id);
}

static __always_inline bool cgroup_in_pod(struct cgroup *c)
{
	__u32 level = scope.pod_level;
	if (!scope.pod_cgroup || (__u32)BPF_CORE_READ(c, level) < level)
		return false;
	struct cgroup *pod = NULL;
	bpf_probe_read_kernel(&pod, sizeof(pod),
			      (void *)c + bpf_core_field_offset(c->ancestors) +
				      sizeof(pod) * (level & 255));
	return cgroup_id(pod) == scope.pod_cgroup;
}

static __always_inline bool task_in_pod(struct task_struct *t)
{
	return cgroup_in_pod(task_cgroup(t, scope.v1));
}

static __always_inline struct inode *task_exe(struct task_struct *t)
{
	return BPF_CORE_READ(t, mm, exe_file, f_inode);
}

/* Whether it is this program, in this container: our own doing is not the weaver's. */
static __always_inline bool task_is_ours(struct task_struct *t)
{
	if ((__u32)BPF_CORE_READ(t, tgid) == scope.self_tgid)
		return true;
	if (cgroup_id(task_cgroup(t, scope.v1)) != scope.own_cgroup)
		return false;
	struct inode *exe = task_exe(t);
	return BPF_CORE_READ(exe, i_ino) == scope.own_inode &&
	       BPF_CORE_READ(exe, i_sb, s_dev) == scope.own_dev;
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

static __always_inline bool probe_scope(void)
{
	struct task_struct *t = current_task();
	return task_in_pod(t) && !task_is_ours(t);
}

static __always_inline __u32 pid_in_namespace(struct task_struct *t)
{
	struct pid *pid = BPF_CORE_READ(t, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level), nr = 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      (level & 63) * bpf_core_type_size(struct upid));
	return nr;
}

static __always_inline struct scope_counters *count_of(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline void count_lost(struct scope_counters *c, __u32 type)
{
	if (type >= EVENT_TYPE_COUNT)
		return;
	struct scope_slot *slot = &c->slot[type];
	__u32 zero = 0;
	__u64 *round = bpf_map_lookup_elem(&rounds, &zero), now = bpf_ktime_get_boot_ns();
	if (round && slot->round != *round + 1) {
		slot->round = *round + 1;
		slot->first_ns = now;
	}
	slot->last_ns = now;
	__sync_fetch_and_add(&slot->lost, 1);
}

static __always_inline bool type_is_critical(__u32 type)
{
	return type == EVENT_EXEC || type == EVENT_PRIVILEGE || type == EVENT_ESCAPE;
}

static __always_inline struct draft *draft_claim(__u32 *number)
{
	for (__u32 i = 0; i < DRAFTS; i++) {
		*number = i;
		struct draft *d = bpf_map_lookup_elem(&drafts, number);
		if (d && !__sync_val_compare_and_swap(&d->busy, 0, 1))
			return d;
	}
	return NULL;
}

static __always_inline void draft_task(struct event *e, struct task_struct *t)
{
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);
	e->pid = BPF_CORE_READ(t, tgid);
	e->tid = BPF_CORE_READ(t, pid);
	e->ns_pid = pid_in_namespace(leader);
	e->ns_tid = pid_in_namespace(t);
	e->ppid = BPF_CORE_READ(t, real_parent, tgid);
	e->start_ns = BPF_CORE_READ(leader, start_boottime);
	const struct cred *cred = BPF_CORE_READ(t, cred);
	e->uid = BPF_CORE_READ(cred, uid.val);
	e->gid = BPF_CORE_READ(cred, gid.val);
	e->cgroup = cgroup_id(task_cgroup(t, scope.v1));
	if (e->cgroup == scope.own_cgroup)
		e->flags |= EVENT_OWN_CONTAINER;
	__u32 tgid = e->pid;
	struct scope_member *m = bpf_map_lookup_elem(&members, &tgid);
	if (m && m->setup)
		e->flags |= EVENT_SETUP;
}

static __always_inline void draft_syscall(struct event *e, struct task_struct *t)
{
	e->syscall = -1;
	if (BPF_CORE_READ(t, flags) & PF_IO_WORKER) {
		e->flags |= EVENT_URING;
		return;
	}
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	__s64 nr = BPF_CORE_READ(regs, orig_ax);
	if (nr < 0)
		return;
	if (nr & 0x40000000)
		e->flags |= EVENT_X32;
	if (BPF_CORE_READ(t, thread_info.status) & TS_COMPAT)
		e->flags |= EVENT_COMPAT;
	e->syscall = nr & ~0x40000000;
}

/* A record of type about the task at other, 0: the current one. Returns its draft's number; -1:
 * there is none, and the record is counted as lost. */
__noinline int draft_begin(__u32 type, __u64 other)
{
	__u32 number;
	struct draft *d = draft_claim(&number);
	if (!d) {
		struct scope_counters *c = count_of();
		if (c && type < EVENT_TYPE_COUNT) {
			__sync_fetch_and_add(&c->seq[type_is_critical(type)], 1);
			__sync_fetch_and_add(&c->slot[type].produced, 1);
			count_lost(c, type);
		}
		return -1;
	}
	d->len = 0;
	struct event *e = &d->event;
	__builtin_memset(e, 0, sizeof(*e));
	e->type = type;
	e->ring = type_is_critical(type) ? RING_CRITICAL : RING_NORMAL;
	struct task_struct *t = other ? (struct task_struct *)other : current_task();
	draft_task(e, t);
	if (other)
		e->syscall = -1;
	else
		draft_syscall(e, t);
	BPF_CORE_READ_STR_INTO(&e->comm, t, comm);
	return number;
}

static __always_inline struct draft *draft_of(__u32 type, __u64 task)
{
	int number = draft_begin(type, task);
	return number < 0 ? NULL : bpf_map_lookup_elem(&drafts, &number);
}

static __always_inline struct draft *draft_new(__u32 type)
{
	return draft_of(type, 0);
}

static __always_inline long ring_put(struct draft *d, bool critical, __u64 size)
{
	if (critical)
		return bpf_ringbuf_output(&ring_critical, &d->event, size, BPF_RB_FORCE_WAKEUP);
	__u64 wake = bpf_ringbuf_query(&ring_normal, BPF_RB_AVAIL_DATA) > scope.half
			     ? BPF_RB_FORCE_WAKEUP
			     : BPF_RB_NO_WAKEUP;
	return bpf_ringbuf_output(&ring_normal, &d->event, size, wake);
}

__noinline int draft_send(struct draft *d)
{
	if (!d)
		return 0;
	struct scope_counters *c = count_of();
	__u32 type = d->event.type;
	if (c && type < EVENT_TYPE_COUNT) {
		bool critical = type_is_critical(type);
		d->event.time_ns = bpf_ktime_get_boot_ns();
		d->event.cpu = bpf_get_smp_processor_id();
		d->event.seq = __sync_fetch_and_add(&c->seq[critical], 1);
		__sync_fetch_and_add(&c->slot[type].produced, 1);
		__u64 len = d->len;
		asm volatile("" : "+r"(len));
		if (len > TEXT_SPACE)
			len = 0;
		if (ring_put(d, critical, sizeof(struct event) + len))
			count_lost(c, type);
	}
	d->busy = 0;
	return 0;
}

static __always_inline void draft_drop(struct draft *d)
{
	d->busy = 0;
}

/* Walks for paths: the hand-made d_path, because bpf_d_path is refused in most hooks. */
struct walk {
	struct dentry *dentry, *root_dentry;
	struct vfsmount *mnt, *root_mnt;
	struct draft *draft;
	__u32 pos;
	__u32 flags; /* EVENT_PATH_TRUNCATED, EVENT_DETACHED */
};

static long walk_step(__u32 i, struct walk *w)
{
	struct dentry *d = w->dentry;
	struct vfsmount *m = w->mnt;
	struct draft *draft = w->draft;
	if (!draft || (d == w->root_dentry && m == w->root_mnt))
		return 1;
	struct dentry *parent = BPF_CORE_READ(d, d_parent);
	if (d == BPF_CORE_READ(m, mnt_root) || d == parent) {
		struct mount *mount = (void *)m - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);
		if (up == mount || !up) {
			w->flags |= EVENT_DETACHED;
			return 1;
		}
		w->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		w->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	__u32 len = BPF_CORE_READ(d, d_name.len);
	const unsigned char *name = BPF_CORE_READ(d, d_name.name);
	if (len > 255)
		len = 255;
	if (w->pos < len + 1) {
		w->flags |= EVENT_PATH_TRUNCATED;
		return 1;
	}
	w->pos -= len;
	bpf_probe_read_kernel(&draft->walk[BOUND(w->pos, WALK_MAX - 1)], BOUND(len, 255), name);
	w->pos--;
	draft->walk[BOUND(w->pos, WALK_MAX - 1)] = '/';
	w->dentry = parent;
	return 0;
}

/* Room for the next text, as long as there may be one; it ends in text_end(). */
static __always_inline char *text_at(struct draft *d)
{
	return &d->text[BOUND(d->len, TEXT_SPACE - 4096 - 1)];
}

static __always_inline void text_end(struct draft *d, __u32 i, __u32 len)
{
	d->event.text_len[i] = len;
	d->len += len;
}

static __always_inline void text_kernel(struct draft *d, __u32 i, const void *from, __u64 len)
{
	char *to = text_at(d);
	if (len > EVENT_TEXT_MAX)
		len = EVENT_TEXT_MAX;
	if (len && !bpf_probe_read_kernel(to, BOUND(len, 4095), from))
		text_end(d, i, len);
}

static __always_inline long text_user(struct draft *d, __u32 i, const void *from, __u64 len)
{
	char *to = text_at(d);
	if (len > EVENT_TEXT_MAX)
		len = EVENT_TEXT_MAX;
	if (!len)
		return 0;
	long r = bpf_probe_read_user(to, BOUND(len, 4095), from);
	if (!r)
		text_end(d, i, len);
	return r;
}

static __always_inline void text_kernel_str(struct draft *d, __u32 i, const char *from)
{
	char *to = text_at(d);
	long n = bpf_probe_read_kernel_str(to, EVENT_TEXT_MAX, from);
	if (n > 1)
		text_end(d, i, n - 1);
}

static __always_inline void text_user_str(struct draft *d, __u32 i, const char *from)
{
	char *to = text_at(d);
	long n = bpf_probe_read_user_str(to, EVENT_TEXT_MAX, from);
	if (n > 1)
		text_end(d, i, n - 1);
	if (n < 0)
		d->event.flags |= EVENT_ARGS_UNREAD;
}

static __always_inline struct task_struct *task_reaper(struct task_struct *t)
{
	struct pid *pid = BPF_CORE_READ(t, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct pid_namespace *ns = NULL;
	bpf_probe_read_kernel(&ns, sizeof(ns),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      (level & 63) * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, ns));
	return level ? BPF_CORE_READ(ns, child_reaper) : NULL;
}

/* Whether the root of this task's paths is not that of its container's first process. */
static __always_inline bool task_chrooted(struct task_struct *t, struct dentry *root)
{
	struct task_struct *first = task_reaper(t);
	return first && BPF_CORE_READ(first, fs, root.dentry) != root;
}

/* Into d->walk, where it ends at WALK_MAX; returns where it begins. */
static __always_inline __u32 walk_path(struct draft *d, struct task_struct *t,
				       struct dentry *dentry, struct vfsmount *mnt)
{
	struct walk w = { .dentry = dentry, .mnt = mnt, .draft = d, .pos = WALK_MAX };
	w.root_dentry = BPF_CORE_READ(t, fs, root.dentry);
	w.root_mnt = BPF_CORE_READ(t, fs, root.mnt);
	if (bpf_loop(WALK_STEPS, walk_step, &w, 0) >= WALK_STEPS)
		w.flags |= EVENT_PATH_TRUNCATED;
	if (BPF_CORE_READ(dentry, d_sb, s_flags) & SB_KERNMOUNT)
		w.flags &= ~EVENT_DETACHED; /* memfd, pipe, socket: nobody's tree */
	else if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		w.flags |= EVENT_DELETED;
	if (task_chrooted(t, w.root_dentry))
		w.flags |= EVENT_CHROOTED;
	d->event.flags |= w.flags;
	return w.pos;
}

/* Text i is the path of dentry as task t sees it: its tail where it is too long. */
__noinline int text_path_of(struct draft *d, __u32 i, __u64 task, __u64 dentry_at, __u64 mnt_at)
{
	struct dentry *dentry = (struct dentry *)dentry_at;
	if (!d || i >= EVENT_TEXTS)
		return 0;
	__u64 pos = walk_path(d, (struct task_struct *)task, dentry, (struct vfsmount *)mnt_at);
	char *to = text_at(d);
	asm volatile("" : "+r"(pos));
	if (pos > WALK_MAX)
		return 0;
	if (pos == WALK_MAX && BPF_CORE_READ(dentry, d_sb, s_flags) & SB_KERNMOUNT) {
		text_kernel_str(d, i, (const char *)BPF_CORE_READ(dentry, d_name.name));
		return 0;
	}
	if (pos == WALK_MAX) {
		to[0] = '/';
		text_end(d, i, 1);
		return 0;
	}
	__u64 len = WALK_MAX - pos;
	if (len > EVENT_TEXT_MAX)
		len = EVENT_TEXT_MAX;
	if (!bpf_probe_read_kernel(to, BOUND(len, 4095), &d->walk[BOUND(pos, WALK_MAX - 1)]))
		text_end(d, i, len);
	return 0;
}

static __always_inline void text_path(struct draft *d, __u32 i, __u64 dentry, struct vfsmount *mnt)
{
	text_path_of(d, i, (__u64)current_task(), dentry, (__u64)mnt);
}

static __always_inline void text_file_path(struct draft *d, __u32 i, struct file *f)
{
	text_path(d, i, (__u64)BPF_CORE_READ(f, f_path.dentry), BPF_CORE_READ(f, f_path.mnt));
}

static __always_inline void text_directory(struct draft *d, __u32 i, struct task_struct *t)
{
	text_path(d, i, (__u64)BPF_CORE_READ(t, fs, pwd.dentry), BPF_CORE_READ(t, fs, pwd.mnt));
}
