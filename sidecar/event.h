/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The record that the probes (*.bpf.c) put into their rings and user space takes out: one header,
 * one struct of details chosen by `type`, then up to EVENT_TEXTS byte strings, one after the other
 * and without NULs between them. Native byte order; nothing of it leaves the host.
 *
 * Facts come from kernel objects; what was read from the process's own memory, which it may change
 * meanwhile, is marked EVENT_ASKED.
 */
#pragma once
#include <linux/types.h>

#define EVENT_ABI 1

/* Two rings, so that a storm of writes cannot evict what matters most. */
enum event_ring { RING_NORMAL, RING_CRITICAL, RING_COUNT };

/* name as in Loom's event_type, ring, which of the details is set, what texts 0, 1, 2 are */
/* clang-format off */
#define EVENT_TYPES(X)                                                                             \
	X(EXEC, "process_exec", CRITICAL, exec)        /* exe path; argv, NUL-separated; cwd */    \
	X(FORK, "process_fork", NORMAL, fork)          /* processes, not threads */                \
	X(EXIT, "process_exit", NORMAL, exit)          /* of the last thread */                    \
	X(FILE_WRITE, "file_write", NORMAL, file)      /* path */                                  \
	X(FILE_READ, "file_read", NORMAL, file)        /* path */                                  \
	X(FILE_METADATA, "file_metadata", NORMAL, file) /* path; second path or xattr name */      \
	X(FILE_OPEN, "file_open", NORMAL, file)        /* path */                                  \
	X(SOCKET, "network_socket", NORMAL, net)                                                      \
	X(CONNECT, "network_connect", NORMAL, net)     /* path of an AF_UNIX peer */               \
	X(LISTEN, "network_listen", NORMAL, net)       /* path of an AF_UNIX socket */             \
	X(ACCEPT, "network_accept", NORMAL, net)       /* path of an AF_UNIX socket */             \
	X(DNS_QUERY, "dns_query", NORMAL, net)         /* the datagram; of TCP the segment */      \
	X(DNS_RESPONSE, "dns_response", NORMAL, net)   /* the datagram; of TCP the segment */      \
	X(PRIVILEGE, "privilege_change", CRITICAL, privilege)                                      \
	X(MEMORY, "memory_exec", NORMAL, memory)       /* path of the mapped file, if any */       \
	X(ESCAPE, "sandbox_escape", CRITICAL, escape)  /* path or name; second one */              \
	X(TASK, "audit_task", NORMAL, exec)            /* of the snapshot at start: as EXEC */     \
	X(LOST, "audit_lost", NORMAL, lost)            /* made by user space, out of counters */

#define X(name, text, ring, detail) EVENT_##name,
enum event_type { EVENT_TYPES(X) EVENT_TYPE_COUNT };
#undef X

/* bits of event.flags */
#define EVENT_SETUP          (1U << 0)  /* the container runtime, before the container's exec */
#define EVENT_ASKED          (1U << 1)  /* texts are the caller's words, not the kernel's facts */
#define EVENT_PATH_TRUNCATED (1U << 2)  /* only the tail of text 0 */
#define EVENT_PATH2_TRUNCATED (1U << 3) /* only the tail of text 1 */
#define EVENT_DETACHED       (1U << 4)  /* the path ends outside the caller's root */
#define EVENT_DELETED        (1U << 5)  /* the file of text 0 has no name any more */
#define EVENT_CHROOTED       (1U << 6)  /* the root that the path begins at is not the container's */
#define EVENT_ARGS_TRUNCATED (1U << 7)  /* argv: see exec.args_len for the true length */
#define EVENT_ARGS_UNREAD    (1U << 8)  /* argv or payload could not be read */
#define EVENT_MISMATCH       (1U << 9)  /* what was asked for and what was done differ */
#define EVENT_FAILED         (1U << 10) /* result holds the negative errno */
#define EVENT_RESULT         (1U << 11) /* result is known at all (a hook runs before the end) */
#define EVENT_COMPAT         (1U << 12) /* syscall is a number of the 32-bit table */
#define EVENT_X32            (1U << 13) /* x32: its bit is removed from syscall */
#define EVENT_URING          (1U << 14) /* done by io_uring; there is no syscall then */
#define EVENT_DNS_PARTIAL    (1U << 15) /* the payload was not in one piece: incomplete */
#define EVENT_NAMESPACED     (1U << 16) /* EXEC: mounts of its own, not its container's */
#define EVENT_OWN_CONTAINER  (1U << 17) /* in the sidecar's own container (an exec into it) */
#define EVENT_HOOK           (1U << 18) /* seen by a hook (fentry, tracepoint), else at sys_exit */
/* clang-format on */

/* what a FILE_* record is about, file.op */
/* clang-format off */
#define FILE_OPS(X)                                                                                \
	X(OPEN, "open") X(READ, "read") X(WRITE, "write") X(CLOSE, "close")                        \
	X(MMAP_WRITE, "mmap") X(RENAME, "rename") X(UNLINK, "unlink") X(RMDIR, "rmdir")            \
	X(LINK, "link") X(SYMLINK, "symlink") X(MKDIR, "mkdir") X(MKNOD, "mknod")                  \
	X(CHMOD, "chmod") X(CHOWN, "chown") X(TRUNCATE, "truncate") X(SETXATTR, "setxattr")        \
	X(REMOVEXATTR, "removexattr") X(UTIMES, "utimes")
/* clang-format on */

/* what an ESCAPE record is about, escape.op: the call itself, or what no call shows */
/* clang-format off */
#define ESCAPE_OPS(X)                                                                              \
	X(SYSCALL, "syscall")            /* arg0, arg1 of event.syscall */                         \
	X(NAMESPACES, "namespaces")      /* arg0: CLONE_NEW* flags */                              \
	X(LEAVE_CGROUP, "leave_cgroup")  /* text 0: name of the cgroup it went to */               \
	X(PTRACE_ACCESS, "ptrace_access") /* arg0: pid of the target, arg1: mode */                \
	X(URING_SUBMIT, "io_uring_submit") /* arg0: opcode; once for each process and opcode */

#define X(name, text) FILE_OP_##name,
enum file_op { FILE_OPS(X) FILE_OP_COUNT };
#undef X
#define X(name, text) ESCAPE_OP_##name,
enum escape_op { ESCAPE_OPS(X) ESCAPE_OP_COUNT };
#undef X
/* clang-format on */

struct event_exec {
	__u64 inode;    /* of the executable */
	__u32 dev;      /* of the executable, kernel dev_t: major << 20 | minor */
	__u32 args_len; /* bytes of argv in the process, with its NULs; text 1 may hold less */
	__u32 old_tid;  /* the thread that called exec; others than the leader become the leader */
	__s32 result;   /* of a failed exec (EVENT_FAILED): text 0 is the name asked for, no argv */
};

struct event_fork {
	__u64 flags; /* CLONE_* as asked for; 0: not known */
	__u64 child_start_ns;
	__u32 child_pid;    /* node's */
	__u32 child_ns_pid; /* the child's in its own PID namespace */
};

struct event_exit {
	__s32 status; /* as wait(2) gives it: code << 8 | signal */
	__u32 pad;
};

struct event_file {
	__u64 inode;
	__u64 size; /* of TRUNCATE the new size; of CLOSE unused */
	__u64 read; /* CLOSE: bytes read and written through this open file, all holders */
	__u64 written;
	__u64 file;     /* identity of the open file, for OPEN, READ, WRITE, CLOSE; 0: not known */
	__u32 dev;      /* kernel dev_t */
	__u32 op;       /* enum file_op */
	__u32 flags;    /* O_*; of RENAME RENAME_*; of UNLINK the asked AT_* */
	__u32 mode;     /* of the inode where one is (type too); of OPEN, CHMOD, MKDIR as asked */
	__u32 uid, gid; /* CHOWN; -1: unchanged */
	__s32 result;   /* see EVENT_RESULT */
	__s32 fd;       /* -1: not known */
};

struct event_net {
	__u64 cookie;                 /* identity of the socket; 0: it has not been given one */
	__u32 family, kind, protocol; /* AF_*, SOCK_* without flags, IPPROTO_* */
	__s32 fd;                     /* -1: not known */
	__s32 result; /* see EVENT_RESULT; EINPROGRESS is a failure of a connect that may succeed */
	__u32 payload;                 /* DNS: true length of the datagram */
	__u16 local_port, remote_port; /* host byte order */
	__u32 backlog;                 /* LISTEN */
	__u8 local[16], remote[16];    /* IPv4 in the first four bytes, network byte order */
};

struct event_privilege {
	__u32 old_uid, new_uid, old_euid, new_euid, old_fsuid, new_fsuid;
	__u32 old_gid, new_gid, old_egid, new_egid, old_fsgid, new_fsgid;
	__u64 old_effective, new_effective; /* capabilities */
	__u64 old_permitted, new_permitted;
	__u64 old_bounding, new_bounding;
	__u64 arg0, arg1;     /* of the system call */
	__s32 result;         /* see EVENT_RESULT */
	__u32 user_namespace; /* 1: the user namespace changed, too */
};

struct event_memory {
	__u64 addr; /* 0 where a hook runs before the address is chosen */
	__u64 len;
	__u32 prot;  /* PROT_* in force */
	__u32 flags; /* MAP_* */
	__u64 inode; /* of the mapped file; 0: anonymous */
	__s32 result;
	__u32 dev;
};

struct event_escape {
	__u64 arg0, arg1, arg2;
	__u32 op;     /* enum escape_op */
	__s32 result; /* see EVENT_RESULT; EPERM does not tell seccomp from capability */
};

struct event_lost {
	__u64 count; /* records of `kind` that found no room on (cpu, ring) since the last such */
	__u64 first_ns, last_ns;
	__u32 kind; /* enum event_type */
	__u32 pad;
};

#define EVENT_TEXTS 3
#define EVENT_TEXT_MAX 4095 /* bytes of one text */

struct event {
	__u64 seq; /* of (cpu, ring), from 0; given before the reservation, so a gap is a loss */
	__u64 time_ns;  /* CLOCK_BOOTTIME */
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME: with pid the key of a process */
	__u64 cgroup;   /* id of the task's own cgroup */
	__u32 flags;    /* EVENT_* bits */
	__u16 type;     /* enum event_type */
	__u8 ring;      /* enum event_ring */
	__u8 pad;
	__u16 cpu;
	__u16 text_len[EVENT_TEXTS];
	__u32 pid, tid;       /* in the node's PID namespace */
	__u32 ns_pid, ns_tid; /* in the task's own, innermost one */
	__u32 ppid;           /* node's */
	__u32 uid, gid;       /* real, as the node counts them */
	__s32 syscall; /* number in the table that the flags tell; -1: none; EXEC: always execve */
	char comm[16];
	union {
		struct event_exec exec;
		struct event_fork fork;
		struct event_exit exit;
		struct event_file file;
		struct event_net net;
		struct event_privilege privilege;
		struct event_memory memory;
		struct event_escape escape;
		struct event_lost lost;
	};
	char text[]; /* text_len[0] + text_len[1] + text_len[2] bytes */
};

#ifndef __bpf__
#include <stdbool.h>
#include <stddef.h>

/* Text `i`, borrowed from ev, not NUL-terminated; *len may be 0. */
static inline const char *event_text(const struct event *ev, unsigned i, size_t *len)
{
	size_t at = 0;
	for (unsigned k = 0; k < i; k++)
		at += ev->text_len[k];
	*len = ev->text_len[i];
	return ev->text + at;
}

/* The whole record's bytes; what the ring gives is at least as long, or it is damaged. */
static inline size_t event_size(const struct event *ev)
{
	return offsetof(struct event, text) + ev->text_len[0] + ev->text_len[1] + ev->text_len[2];
}

/* Whether the len bytes at ev are one whole record of a known type. */
static inline bool event_valid(const struct event *ev, size_t len)
{
	return len >= offsetof(struct event, text) && event_size(ev) <= len &&
	       ev->type < EVENT_TYPE_COUNT && ev->ring < RING_COUNT;
}
#endif
