/* SPDX-License-Identifier: Apache-2.0 */
/* Records as the probes make them, without probes: one, or a flood of all kinds. */
#pragma once
#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/event.h"

union audit_event {
	struct event ev;
	char bytes[sizeof(struct event) + EVENT_TEXTS * (EVENT_TEXT_MAX + 1)];
};

static inline void audit_text(union audit_event *u, unsigned i, const void *text, size_t len)
{
	size_t at = 0;

	for (unsigned k = 0; k < i; k++)
		at += u->ev.text_len[k];
	assert(len <= EVENT_TEXT_MAX);
	memcpy(u->ev.text + at, text, len);
	u->ev.text_len[i] = (uint16_t)len;
}

static const uint8_t audit_rings[EVENT_TYPE_COUNT] = {
#define X(name, text, ring, detail) [EVENT_##name] = RING_##ring,
	EVENT_TYPES(X)
#undef X
};

/* A plain record of this type, with texts where the type has them. */
static inline struct event *audit_make(union audit_event *u, unsigned type, uint64_t seq)
{
	struct event *ev = &u->ev;

	memset(ev, 0, sizeof(*ev));
	ev->seq = seq;
	ev->time_ns = 5000000000 + seq;
	ev->start_ns = 4000000000;
	ev->type = (uint16_t)type;
	ev->ring = audit_rings[type];
	ev->flags = EVENT_HOOK;
	ev->pid = 4711;
	ev->tid = 4712;
	ev->ns_pid = 17;
	ev->ns_tid = 18;
	ev->ppid = 4700;
	ev->uid = ev->gid = 1000;
	ev->syscall = -1;
	memcpy(ev->comm, "bash", 5);
	switch (type) {
	case EVENT_EXEC:
	case EVENT_TASK:
		ev->exec.args_len = 12;
		audit_text(u, 0, "/usr/bin/git", 12);
		audit_text(u, 1, "git\0status\0-s", 13);
		audit_text(u, 2, "/workspace", 10);
		break;
	case EVENT_FORK:
		ev->fork.flags = 0x1200011;
		ev->fork.child_pid = 4713;
		ev->fork.child_ns_pid = 19;
		ev->fork.child_start_ns = 5000000000;
		break;
	case EVENT_EXIT:
		ev->exit.status = 3 << 8;
		break;
	case EVENT_FILE_OPEN:
	case EVENT_FILE_READ:
	case EVENT_FILE_WRITE:
	case EVENT_FILE_METADATA:
		ev->file.op = type == EVENT_FILE_OPEN    ? FILE_OP_OPEN
			      : type == EVENT_FILE_READ  ? FILE_OP_READ
			      : type == EVENT_FILE_WRITE ? FILE_OP_WRITE
							 : FILE_OP_CHMOD;
		ev->file.flags = type == EVENT_FILE_OPEN ? O_RDONLY | O_CLOEXEC : 0;
		ev->file.mode = 0100644;
		ev->file.fd = 3;
		ev->file.inode = 1234567;
		ev->file.dev = 40;
		audit_text(u, 0, "/etc/ld.so.cache", 16);
		break;
	case EVENT_SOCKET:
	case EVENT_CONNECT:
	case EVENT_LISTEN:
	case EVENT_ACCEPT:
	case EVENT_DNS_QUERY:
	case EVENT_DNS_RESPONSE:
		ev->net.family = AF_INET;
		ev->net.kind = SOCK_STREAM;
		ev->net.protocol = 6;
		ev->net.fd = 5;
		ev->net.cookie = 99;
		ev->net.remote_port = 443;
		ev->net.local_port = 8080;
		memcpy(ev->net.remote, "\xc0\x00\x02\x07", 4);
		memcpy(ev->net.local, "\xc0\x00\x02\x01", 4);
		break;
	case EVENT_PRIVILEGE:
		ev->syscall = 105; /* setuid of x86_64 */
		ev->privilege.old_uid = 1000;
		ev->privilege.new_uid = 0;
		break;
	case EVENT_MEMORY:
		ev->memory.addr = 0x7f0000000000;
		ev->memory.len = 4096;
		ev->memory.prot = 7;
		break;
	case EVENT_ESCAPE:
		ev->syscall = 272; /* unshare of x86_64 */
		ev->escape.arg0 = 0x10000000;
		break;
	case EVENT_LOST:
		ev->lost.count = 12;
		ev->lost.kind = EVENT_FILE_OPEN;
		ev->lost.first_ns = 1;
		ev->lost.last_ns = 2;
		break;
	default:
		break;
	}
	return ev;
}

/* A directory of its own; audit_remove() takes it away with what is in it. */
static inline char *audit_directory(char *path)
{
	char *made = mkdtemp(path);

	assert(made);
	return made;
}

static inline void audit_remove(const char *path)
{
	DIR *dir = opendir(path);

	for (struct dirent *d; dir && (d = readdir(dir));)
		unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}
