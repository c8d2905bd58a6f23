// SPDX-License-Identifier: GPL-2.0
/*
 * Files by hooks: the first choice. All paths are the kernel's, and io_uring is seen like any call.
 * Overlayfs opens and reads the file below once more for each of its own; such inner opens, and no
 * others, carry FMODE_NOACCOUNT; those of directories do not, but are on a mount of the kernel,
 * where no user opens directories. The security_path_* hooks fire once.
 */
#include "sidecar/file.bpf.h"
#include "sidecar/call.bpf.h"

#define MAY_WRITE 2
#define MAY_READ 4
#define MAY_APPEND 8
#define VM_SHARED 8
#define FMODE_WRITE 2
#define O_PATH 010000000

static __always_inline bool is_inner(struct file *f)
{
	if (BPF_CORE_READ(f, f_mode) & FMODE_NOACCOUNT)
		return true;
	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFDIR)
		return false;
	struct vfsmount *mnt = BPF_CORE_READ(f, f_path.mnt);
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	return (__u64)BPF_CORE_READ(mount, mnt_ns) >= (__u64)-4095; /* MNT_NS_INTERNAL */
}

/*
 * What the kernel opens and reads on behalf of a call that has a record of its own: the program and
 * its interpreter by exec, the file that swapon names.
 */
static __always_inline bool told_otherwise(void)
{
	__u32 group = call_group_now();
	return group == CALLS_PROCESS || group == CALLS_ESCAPE;
}

SEC("fentry/security_file_open")
int BPF_PROG(file_open, struct file *f)
{
	if (!probe_scope() || is_inner(f) || told_otherwise())
		return 0;
	struct draft *d = file_draft_of(EVENT_FILE_OPEN, FILE_OP_OPEN, address_of(f));
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	draft_send(d);
	return 0;
}

struct filename {
	const char *name;
} __attribute__((preserve_access_index));

struct open_flags {
	int open_flag;
} __attribute__((preserve_access_index));

static __always_inline int open_failed(struct filename *name, const struct open_flags *flags,
				       long ret)
{
	if (ret >= 0 || ret < -4095 || !probe_scope() || told_otherwise())
		return 0;
	struct draft *d = file_draft(EVENT_FILE_OPEN, FILE_OP_OPEN);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK | EVENT_ASKED;
	d->event.file.flags = BPF_CORE_READ(flags, open_flag);
	call_result(&d->event, &d->event.file.result, ret);
	text_kernel_str(d, 0, BPF_CORE_READ(name, name));
	draft_send(d);
	return 0;
}

SEC("fexit/do_filp_open")
int BPF_PROG(file_failed, int dirfd, struct filename *name, const struct open_flags *flags,
	     long ret)
{
	return open_failed(name, flags, ret);
}

SEC("fexit/do_file_open")
int BPF_PROG(file_failed__7, int dirfd, struct filename *name, const struct open_flags *flags,
	     long ret)
{
	return open_failed(name, flags, ret);
}

SEC("fentry/security_file_permission")
int BPF_PROG(file_permission, struct file *f, int mask)
{
	if (!(mask & (MAY_READ | MAY_WRITE | MAY_APPEND)) || !probe_scope() || is_inner(f) ||
	    told_otherwise())
		return 0;
	bool write = mask & (MAY_WRITE | MAY_APPEND);
	file_used(address_of(f), write, write ? FILE_OP_WRITE : FILE_OP_READ, EVENT_HOOK);
	return 0;
}

/* The last holder closes it: what it was used for beyond the first time. */
SEC("fentry/__fput")
int BPF_PROG(file_close, struct file *f)
{
	__u64 key = address_of(f);
	struct file_use *use = bpf_map_lookup_elem(&file_uses, &key);
	if (!use || use->inode != BPF_CORE_READ(f, f_inode, i_ino))
		return 0;
	struct file_use was = *use;
	bpf_map_delete_elem(&file_uses, &key);
	if ((was.reads < 2 && was.writes < 2) || !probe_scope())
		return 0;
	__u32 type = was.writes > 1 ? EVENT_FILE_WRITE : EVENT_FILE_READ;
	struct draft *d = file_draft_of(type, FILE_OP_CLOSE, key);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	d->event.file.read = was.reads;
	d->event.file.written = was.writes;
	draft_send(d);
	return 0;
}

static __always_inline struct draft *path_draft(__u32 op, struct dentry *dentry, struct path *dir)
{
	if (!probe_scope())
		return NULL;
	struct draft *d = file_draft(EVENT_FILE_METADATA, op);
	if (!d)
		return NULL;
	d->event.flags |= EVENT_HOOK;
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	if (inode)
		file_inode(&d->event, inode);
	text_path(d, 0, address_of(dentry), BPF_CORE_READ(dir, mnt));
	/* of a name that is still to be made there is no hash entry either */
	d->event.flags &= ~EVENT_DELETED;
	return d;
}

SEC("fentry/security_path_rename")
int BPF_PROG(file_rename, struct path *from_dir, struct dentry *from, struct path *to_dir,
	     struct dentry *to, unsigned int flags)
{
	struct draft *d = path_draft(FILE_OP_RENAME, from, from_dir);
	if (!d)
		return 0;
	text_path(d, 1, address_of(to), BPF_CORE_READ(to_dir, mnt));
	d->event.flags &= ~EVENT_DELETED;
	d->event.file.flags = flags;
	draft_send(d);
	return 0;
}

SEC("fentry/security_path_unlink")
int BPF_PROG(file_unlink, struct path *dir, struct dentry *dentry)
{
	return draft_send(path_draft(FILE_OP_UNLINK, dentry, dir));
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(file_rmdir, struct path *dir, struct dentry *dentry)
{
	return draft_send(path_draft(FILE_OP_RMDIR, dentry, dir));
}

SEC("fentry/security_path_link")
int BPF_PROG(file_link, struct dentry *old, struct path *dir, struct dentry *dentry)
{
	struct draft *d = path_draft(FILE_OP_LINK, old, dir);
	if (!d)
		return 0;
	text_path(d, 1, address_of(dentry), BPF_CORE_READ(dir, mnt));
	d->event.flags &= ~EVENT_DELETED;
	draft_send(d);
	return 0;
}

SEC("fentry/security_path_symlink")
int BPF_PROG(file_symlink, struct path *dir, struct dentry *dentry, const char *target)
{
	struct draft *d = path_draft(FILE_OP_SYMLINK, dentry, dir);
	if (!d)
		return 0;
	text_kernel_str(d, 1, target);
	draft_send(d);
	return 0;
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(file_mkdir, struct path *dir, struct dentry *dentry, unsigned short mode)
{
	struct draft *d = path_draft(FILE_OP_MKDIR, dentry, dir);
	if (!d)
		return 0;
	d->event.file.mode = mode;
	draft_send(d);
	return 0;
}

/* Opening with O_CREAT comes here, too, but that is the open's. */
SEC("fentry/security_path_mknod")
int BPF_PROG(file_mknod, struct path *dir, struct dentry *dentry, unsigned short mode)
{
	struct draft *d = path_draft(FILE_OP_MKNOD, dentry, dir);
	if (!d)
		return 0;
	d->event.file.mode = mode;
	if (call_group_now() == CALLS_OPEN || d->event.flags & EVENT_URING)
		draft_drop(d);
	else
		draft_send(d);
	return 0;
}

SEC("fentry/security_path_chmod")
int BPF_PROG(file_chmod, struct path *path, unsigned short mode)
{
	struct draft *d = path_draft(FILE_OP_CHMOD, BPF_CORE_READ(path, dentry), path);
	if (!d)
		return 0;
	d->event.file.mode = (d->event.file.mode & S_IFMT) | (mode & 07777);
	draft_send(d);
	return 0;
}

SEC("fentry/security_path_chown")
int BPF_PROG(file_chown, struct path *path, __u32 uid, __u32 gid)
{
	struct draft *d = path_draft(FILE_OP_CHOWN, BPF_CORE_READ(path, dentry), path);
	if (!d)
		return 0;
	d->event.file.uid = uid;
	d->event.file.gid = gid;
	draft_send(d);
	return 0;
}

/* Opening with O_TRUNC comes to these, too, but that is the open's. */
static __always_inline int truncated(struct path *path)
{
	struct draft *d = path_draft(FILE_OP_TRUNCATE, BPF_CORE_READ(path, dentry), path);
	if (!d)
		return 0;
	if (call_group_now() == CALLS_OPEN)
		draft_drop(d);
	else
		draft_send(d);
	return 0;
}

SEC("fentry/security_path_truncate")
int BPF_PROG(file_truncate, struct path *path)
{
	return truncated(path);
}

SEC("fentry/security_file_truncate")
int BPF_PROG(file_truncate__fd, struct file *f)
{
	return truncated((void *)f + bpf_core_field_offset(f->f_path));
}

SEC("fentry/security_mmap_file")
int BPF_PROG(file_mmap, struct file *f, unsigned long prot, unsigned long flags)
{
	if (!f || !(prot & PROT_WRITE) || !(flags & MAP_SHARED) || !probe_scope() || is_inner(f))
		return 0;
	__u32 code = CALL_CODE(call_now());
	if (call_group_now() == CALLS_MEMORY && (code == MEMORY_SHMAT || code == MEMORY_IPC))
		return 0; /* System V memory is a file in name only */
	file_used(address_of(f), true, FILE_OP_MMAP_WRITE, EVENT_HOOK);
	return 0;
}

/* Mapped for reading only at first, and made writable later. */
SEC("fentry/security_file_mprotect")
int BPF_PROG(file_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
{
	if (!(prot & PROT_WRITE))
		return 0;
	struct file *f = BPF_CORE_READ(vma, vm_file);
	if (f && (BPF_CORE_READ(vma, vm_flags) & VM_SHARED) && probe_scope())
		file_used(address_of(f), true, FILE_OP_MMAP_WRITE, EVENT_HOOK);
	return 0;
}

char _license[] SEC("license") = "GPL";
