/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What sys_exit's handlers call the calls they know, whatever their numbers; scope.h: CALL_MAKE. */
#pragma once

enum open_call { OPEN_PLAIN, OPEN_AT, OPEN_AT2, OPEN_CREAT, OPEN_HANDLE };

/* descriptors of what is read and written, and where a socket's data is */
enum io_call {
	IO_READ,     /* fd, buf */
	IO_WRITE,    /* fd, buf */
	IO_READV,    /* fd, iov, n */
	IO_WRITEV,   /* fd, iov, n */
	IO_PREAD,    /* fd: files only */
	IO_PWRITE,   /* fd: files only */
	IO_SENDFILE, /* out, in */
	IO_COPY,     /* in, -, out: splice, copy_file_range */
};

enum dns_call {
	DNS_SENDTO = 32, /* fd, buf, len, flags, addr */
	DNS_RECVFROM,
	DNS_SENDMSG, /* fd, msghdr */
	DNS_RECVMSG,
	DNS_SENDMMSG, /* fd, mmsghdr[] */
	DNS_RECVMMSG,
	DNS_SOCKETCALL, /* 32-bit: number, arguments */
};

enum path_call {
	PATH_RENAME,    /* old, new */
	PATH_RENAMEAT,  /* dirfd, old, dirfd, new, flags */
	PATH_UNLINK,    /* path */
	PATH_UNLINKAT,  /* dirfd, path, flags */
	PATH_RMDIR,     /* path */
	PATH_LINK,      /* old, new */
	PATH_LINKAT,    /* dirfd, old, dirfd, new */
	PATH_SYMLINK,   /* target, path */
	PATH_SYMLINKAT, /* target, dirfd, path */
	PATH_MKDIR,     /* path, mode */
	PATH_MKDIRAT,   /* dirfd, path, mode */
	PATH_MKNOD,     /* path, mode */
	PATH_MKNODAT,   /* dirfd, path, mode */
};

enum attr_call {
	ATTR_CHMOD,      /* path, mode */
	ATTR_FCHMOD,     /* fd, mode */
	ATTR_FCHMODAT,   /* dirfd, path, mode */
	ATTR_CHOWN,      /* path, uid, gid */
	ATTR_FCHOWN,     /* fd, uid, gid */
	ATTR_FCHOWNAT,   /* dirfd, path, uid, gid */
	ATTR_TRUNCATE,   /* path, length */
	ATTR_FTRUNCATE,  /* fd, length */
	ATTR_SETXATTR,   /* path, name */
	ATTR_FSETXATTR,  /* fd, name */
	ATTR_SETXATTRAT, /* dirfd, path, flags, name */
	ATTR_REMOVEXATTR,
	ATTR_FREMOVEXATTR,
	ATTR_REMOVEXATTRAT,
	ATTR_UTIMES,   /* path */
	ATTR_UTIMESAT, /* dirfd, path or NULL */
};

enum net_call {
	NET_SOCKET,  /* family, kind, protocol */
	NET_CONNECT, /* fd, addr, len */
	NET_LISTEN,  /* fd, backlog */
	NET_ACCEPT,  /* fd; returns one */
	NET_SOCKETCALL,
};

enum memory_call {
	MEMORY_MMAP,     /* addr, len, prot, flags, fd */
	MEMORY_MMAP_OLD, /* 32-bit: address of these */
	MEMORY_MPROTECT, /* addr, len, prot */
	MEMORY_SHMAT,    /* id, addr, flags */
	MEMORY_IPC,      /* 32-bit: number, id, flags, …, addr */
};

enum privilege_call { PRIVILEGE_IDS, PRIVILEGE_PRCTL };

enum escape_call {
	ESCAPE_ANY,    /* each is one */
	ESCAPE_CLONE,  /* flags; only failures with CLONE_NEW*: the others are seen to succeed */
	ESCAPE_CLONE3, /* address of the flags; the same */
	ESCAPE_PTRACE, /* request; only what begins a trace */
	ESCAPE_PERSONALITY, /* persona; not the question what it is */
	ESCAPE_PATH,        /* path or name in the first argument */
	ESCAPE_PATH2,       /* two of them */
	ESCAPE_PATH_AT,     /* dirfd, path */
	ESCAPE_MOVE_MOUNT,  /* dirfd, path, dirfd, path */
};

enum process_call { PROCESS_EXECVE, PROCESS_EXECVEAT };
