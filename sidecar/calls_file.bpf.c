// SPDX-License-Identifier: GPL-2.0
/*
 * Files by sys_exit: the fallback, and for xattrs and times the first choice. What a descriptor
 * stands for is the kernel's word; a path that is only an argument is the caller's, made absolute
 * with the directory it is relative to, and marked EVENT_ASKED.
 */
#include "sidecar/call.bpf.h"
#include "sidecar/file.bpf.h"

#define O_CREAT 0100
#define RENAME_CALL_FLAGS 4

/* Text i: the path asked for at `at`, after the path of the directory it begins in. */
__noinline int text_asked(struct draft *d, __u32 i, __s32 dirfd, __u64 path)
{
	const char *at = (const char *)path;
	if (!d || !at || i > 1)
		return 0;
	char first = 0;
	d->event.flags |= EVENT_ASKED;
	bpf_probe_read_user(&first, 1, at);
	if (first == '/') {
		text_user_str(d, i, at);
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		text_directory(d, i, current_task());
	} else {
		struct file *dir = fd_file(dirfd);
		if (dir)
			text_file_path(d, i, dir);
	}
	__u32 base = d->event.text_len[i];
	char *to = text_at(d);
	if (!first || base > EVENT_TEXT_MAX - 1)
		return 0;
	long n = bpf_probe_read_user_str(to + 1, EVENT_TEXT_MAX - 1, at);
	if (n <= 1)
		return 0;
	to[0] = '/';
	if (base + n > EVENT_TEXT_MAX) {
		d->event.flags |= i ? EVENT_PATH2_TRUNCATED : EVENT_PATH_TRUNCATED;
		return 0;
	}
	text_end(d, i, base + n);
	d->len -= base; /* it has been counted before */
	return 0;
}

struct open_how_asked {
	__u64 flags, mode;
};

static __always_inline __u32 open_flags(struct call *c, __u32 *mode, __u64 *path)
{
	struct open_how_asked how = {};
	*mode = 0;
	*path = c->code == OPEN_PLAIN || c->code == OPEN_CREAT ? c->arg[0] : c->arg[1];
	switch (c->code) {
	case OPEN_PLAIN:
		*mode = c->arg[2];
		return c->arg[1];
	case OPEN_AT:
		*mode = c->arg[3];
		return c->arg[2];
	case OPEN_CREAT:
		*mode = c->arg[1];
		return 01101; /* O_CREAT | O_WRONLY | O_TRUNC */
	case OPEN_AT2:
		bpf_probe_read_user(&how, sizeof(how), (void *)c->arg[2]);
		*mode = how.mode;
		return how.flags;
	}
	*path = 0;
	return c->arg[2]; /* by handle */
}

#define O_PATH 010000000

SEC("tp_btf/sys_exit")
int BPF_PROG(call_open, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (call_restarts(&c))
		return 0;
	__u32 mode;
	__u64 path;
	__u32 flags = open_flags(&c, &mode, &path);
	if (flags & O_PATH)
		return 0;
	struct file *f = c.ret >= 0 ? fd_file(c.ret) : NULL;
	struct draft *d;
	if (f) {
		__u64 key = (__u64)f;
		bpf_map_delete_elem(&file_uses, &key); /* of an older file at this address */
		d = file_draft_of(EVENT_FILE_OPEN, FILE_OP_OPEN, key);
	} else {
		d = file_draft(EVENT_FILE_OPEN, FILE_OP_OPEN);
		bool relative = c.code == OPEN_AT || c.code == OPEN_AT2;
		text_asked(d, 0, relative ? (__s32)c.arg[0] : AT_FDCWD, path);
	}
	if (!d)
		return 0;
	d->event.file.flags = flags;
	if (flags & O_CREAT)
		d->event.file.mode = (d->event.file.mode & S_IFMT) | (mode & 07777);
	d->event.file.fd = c.ret;
	call_result(&d->event, &d->event.file.result, c.ret);
	draft_send(d);
	return 0;
}

static __always_inline void io_used(__u64 fd, bool write)
{
	file_used((__u64)fd_file(fd), write, write ? FILE_OP_WRITE : FILE_OP_READ, 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_io, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (c.ret < 0)
		return 0;
	if (c.code <= IO_WRITEV && file_sock(fd_file(c.arg[0]))) {
		bpf_tail_call(ctx, &handlers, CALLS_DNS);
		return 0;
	}
	switch (c.code) {
	case IO_READ:
	case IO_READV:
	case IO_PREAD:
		io_used(c.arg[0], false);
		break;
	case IO_SENDFILE:
		io_used(c.arg[1], false);
		io_used(c.arg[0], true);
		break;
	case IO_COPY:
		io_used(c.arg[0], false);
		io_used(c.arg[2], true);
		break;
	default:
		io_used(c.arg[0], true);
	}
	return 0;
}

/* One path in the call, or two: where their directories and names are among the arguments. */
struct paths {
	__u32 op;
	__s32 dir, dir2;
	__u64 path, path2; /* 0: none */
	bool target;       /* path2 is a symlink's text, not a path of ours */
};

static __always_inline struct paths paths_of(struct call *c)
{
	struct paths p = { .dir = AT_FDCWD, .dir2 = AT_FDCWD, .path = c->arg[0] };
	bool at = c->code == PATH_RENAMEAT || c->code == PATH_UNLINKAT || c->code == PATH_LINKAT ||
		  c->code == PATH_MKDIRAT || c->code == PATH_MKNODAT;
	if (at) {
		p.dir = c->arg[0];
		p.path = c->arg[1];
		p.dir2 = c->arg[2];
	}
	switch (c->code) {
	case PATH_RENAME:
	case PATH_RENAMEAT:
		p.op = FILE_OP_RENAME;
		p.path2 = at ? c->arg[3] : c->arg[1];
		break;
	case PATH_LINK:
	case PATH_LINKAT:
		p.op = FILE_OP_LINK;
		p.path2 = at ? c->arg[3] : c->arg[1];
		break;
	case PATH_SYMLINK:
	case PATH_SYMLINKAT:
		p.op = FILE_OP_SYMLINK;
		p.path2 = c->arg[0];
		p.target = true;
		if (c->code == PATH_SYMLINKAT)
			p.dir = c->arg[1];
		p.path = c->code == PATH_SYMLINKAT ? c->arg[2] : c->arg[1];
		break;
	case PATH_UNLINK:
		p.op = FILE_OP_UNLINK;
		break;
	case PATH_UNLINKAT:
		p.op = c->arg[2] & AT_REMOVEDIR ? FILE_OP_RMDIR : FILE_OP_UNLINK;
		break;
	case PATH_RMDIR:
		p.op = FILE_OP_RMDIR;
		break;
	case PATH_MKDIR:
	case PATH_MKDIRAT:
		p.op = FILE_OP_MKDIR;
		break;
	default:
		p.op = FILE_OP_MKNOD;
	}
	return p;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_path, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (c.ret < 0)
		return 0;
	struct paths p = paths_of(&c);
	struct draft *d = file_draft(EVENT_FILE_METADATA, p.op);
	if (!d)
		return 0;
	text_asked(d, 0, p.dir, p.path);
	if (p.target)
		text_user_str(d, 1, (void *)p.path2);
	else if (p.path2)
		text_asked(d, 1, p.dir2, p.path2);
	if (p.op == FILE_OP_MKDIR || p.op == FILE_OP_MKNOD)
		d->event.file.mode =
			c.code == PATH_MKDIRAT || c.code == PATH_MKNODAT ? c.arg[2] : c.arg[1];
	if (c.code == PATH_RENAMEAT)
		d->event.file.flags = c.arg[RENAME_CALL_FLAGS];
	call_result(&d->event, &d->event.file.result, c.ret);
	draft_send(d);
	return 0;
}

/* Where the object of an attribute call is: a descriptor, or a path in a directory. */
struct attr {
	__u32 op;
	__u32 next; /* the first argument after it */
	bool by_fd, at;
};

static __always_inline struct attr attr_of(__u32 code)
{
	struct attr a = { .next = 1 };
	a.at = code == ATTR_FCHMODAT || code == ATTR_FCHOWNAT || code == ATTR_UTIMESAT ||
	       code == ATTR_SETXATTRAT || code == ATTR_REMOVEXATTRAT;
	a.by_fd = code == ATTR_FCHMOD || code == ATTR_FCHOWN || code == ATTR_FTRUNCATE ||
		  code == ATTR_FSETXATTR || code == ATTR_FREMOVEXATTR;
	if (a.at)
		a.next = code == ATTR_SETXATTRAT || code == ATTR_REMOVEXATTRAT ? 3 : 2;
	if (code <= ATTR_FCHMODAT)
		a.op = FILE_OP_CHMOD;
	else if (code <= ATTR_FCHOWNAT)
		a.op = FILE_OP_CHOWN;
	else if (code <= ATTR_FTRUNCATE)
		a.op = FILE_OP_TRUNCATE;
	else if (code <= ATTR_SETXATTRAT)
		a.op = FILE_OP_SETXATTR;
	else if (code <= ATTR_REMOVEXATTRAT)
		a.op = FILE_OP_REMOVEXATTR;
	else
		a.op = FILE_OP_UTIMES;
	return a;
}

static __always_inline void attr_values(struct draft *d, struct attr *a, __u64 first, __u64 second)
{
	switch (a->op) {
	case FILE_OP_CHMOD:
		d->event.file.mode = (d->event.file.mode & S_IFMT) | (first & 07777);
		break;
	case FILE_OP_CHOWN:
		d->event.file.uid = first;
		d->event.file.gid = second;
		break;
	case FILE_OP_TRUNCATE:
		d->event.file.size = first;
		break;
	case FILE_OP_SETXATTR:
	case FILE_OP_REMOVEXATTR:
		text_user_str(d, 1, (void *)first);
		break;
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_attr, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (c.ret < 0)
		return 0;
	struct attr a = attr_of(c.code);
	bool null_path = a.at && !c.arg[1]; /* utimensat(fd, NULL): of the descriptor itself */
	struct file *f = a.by_fd || null_path ? fd_file(c.arg[0]) : NULL;
	struct draft *d;
	if (f) {
		d = file_draft_of(EVENT_FILE_METADATA, a.op, (__u64)f);
	} else {
		d = file_draft(EVENT_FILE_METADATA, a.op);
		text_asked(d, 0, a.at ? (__s32)c.arg[0] : AT_FDCWD, c.arg[a.at]);
	}
	if (!d)
		return 0;
	__u64 first = a.next == 1 ? c.arg[1] : a.next == 2 ? c.arg[2] : c.arg[3];
	__u64 second = a.next == 1 ? c.arg[2] : a.next == 2 ? c.arg[3] : c.arg[4];
	attr_values(d, &a, first, second);
	call_result(&d->event, &d->event.file.result, c.ret);
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
