/* SPDX-License-Identifier: GPL-2.0 */
/* Records about files, as both the hooks and sys_exit make them. */
#pragma once
#include "sidecar/probe.bpf.h"

/* An open file that has been read or written: only the first of each is a record. */
struct file_use {
	__u64 inode; /* the address is used again for another file */
	__u64 reads, writes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct file_use);
} file_uses SEC(".maps");

/* What has contents of its own: files and devices, not sockets, pipes and their like. */
static __always_inline bool file_is_audited(struct file *f)
{
	__u32 type = BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT;
	return type == S_IFREG || type == S_IFCHR || type == S_IFBLK || type == S_IFDIR;
}

static __always_inline void file_inode(struct event *e, struct inode *inode)
{
	e->file.inode = BPF_CORE_READ(inode, i_ino);
	e->file.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->file.mode = BPF_CORE_READ(inode, i_mode);
}

static __always_inline struct draft *file_draft(__u32 type, __u32 op)
{
	struct draft *d = draft_new(type);
	if (!d)
		return NULL;
	d->event.file.op = op;
	d->event.file.fd = -1;
	d->event.file.uid = d->event.file.gid = -1;
	return d;
}

__noinline int file_describe(struct draft *d, __u64 file)
{
	struct file *f = (struct file *)file;
	if (!d)
		return 0;
	file_inode(&d->event, BPF_CORE_READ(f, f_inode));
	d->event.file.file = file;
	d->event.file.flags = BPF_CORE_READ(f, f_flags);
	text_file_path(d, 0, f);
	return 0;
}

static __always_inline struct draft *file_draft_of(__u32 type, __u32 op, __u64 file)
{
	struct draft *d = file_draft(type, op);
	if (d)
		file_describe(d, file);
	return d;
}

/* Counts one more use; true for the first of its kind. */
static __always_inline bool file_first_use(struct file *f, bool write)
{
	__u64 key = (__u64)f, inode = BPF_CORE_READ(f, f_inode, i_ino);
	struct file_use *use = bpf_map_lookup_elem(&file_uses, &key);
	if (!use || use->inode != inode) {
		struct file_use fresh = { .inode = inode, .reads = !write, .writes = write };
		bpf_map_update_elem(&file_uses, &key, &fresh, BPF_ANY);
		return true;
	}
	return !__sync_fetch_and_add(write ? &use->writes : &use->reads, 1);
}

__noinline int file_used(__u64 file, bool write, __u32 op, __u32 flags)
{
	struct file *f = (struct file *)file;
	if (!f || !file_is_audited(f) || !file_first_use(f, write))
		return 0;
	struct draft *d = file_draft_of(write ? EVENT_FILE_WRITE : EVENT_FILE_READ, op, file);
	if (!d)
		return 0;
	d->event.flags |= flags;
	return draft_send(d);
}
