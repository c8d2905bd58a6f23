/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types as far as the probes read them, so that a build needs no running kernel. Only
 * names and kinds matter: libbpf takes the offsets from the kernel that the program is loaded into
 * (CO-RE), and looks for a field by name through anonymous unions. x86-64, Linux 6.1 and later.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[];
};

enum cgroup_subsys_id { pids_cgrp_id = 9 };

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_flags;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mnt_namespace;
struct mount {
	struct mnt_namespace *mnt_ns;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode, f_flags;
	struct inode *f_inode;
	void *private_data;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root, pwd;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_flags;
	struct file *vm_file;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct task_struct;
struct pid_namespace {
	struct task_struct *child_reaper;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[];
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

/* two 32-bit words before 6.3, one of 64 since: the same eight bytes here */
typedef struct {
	__u64 val;
} kernel_cap_t;

struct user_namespace;
struct cred {
	kuid_t uid, euid, fsuid;
	kgid_t gid, egid, fsgid;
	kernel_cap_t cap_permitted, cap_effective, cap_bset;
	struct user_namespace *user_ns;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	int nr_threads;
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	struct list_head tasks;
	struct mm_struct *mm;
	int exit_code;
	int pid, tgid;
	char comm[16];
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	const struct cred *cred;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
};

struct linux_binprm {
	struct file *file;
	const char *filename;
};

struct in6_addr {
	__u8 u6_addr8[16];
};

typedef struct {
	long long counter;
} atomic64_t;

struct sock_common {
	__u32 skc_daddr, skc_rcv_saddr;
	__u16 skc_dport, skc_num, skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type, sk_protocol;
};

struct socket {
	short type;
	struct sock *sk;
};

struct sockaddr_un {
	__u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct sk_buff {
	unsigned int len, data_len;
	unsigned char *head, *data;
	struct sock *sk;
	__u16 transport_header, network_header; /* from head */
};

union flowi_uli {
	struct {
		__u16 dport, sport;
	} ports;
};

struct flowi4 {
	__u32 saddr, daddr;
	union flowi_uli uli;
};

struct flowi6 {
	struct in6_addr daddr, saddr;
	union flowi_uli uli;
};

struct io_kiocb {
	__u8 opcode;
};

#pragma clang attribute pop

struct sockaddr;

#define TS_COMPAT 2
#define PF_IO_WORKER 0x10
#define SB_KERNMOUNT (1 << 22)
#define FMODE_NOACCOUNT 0x20000000

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000

#define AT_FDCWD (-100)
#define AT_REMOVEDIR 0x200
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define MAP_ANONYMOUS 0x20
#define CLONE_THREAD 0x10000
/* new time (80), mount, cgroup, uts, ipc, user, pid, net */
#define CLONE_NEW_ANY 0x7e020080
