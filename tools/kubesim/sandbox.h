/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container as local processes: bubblewrap with its own pid, ipc, uts and mount namespaces, the
 * host's / read-only, private /tmp and /workspace. No security boundary is promised. The command is
 * pid 1, so that a signal it has no handler for is ignored, as in a real container.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "tools/kubesim/cgroup.h"

struct sandbox;

struct sandbox_mount {
	const char *source, *target;
	bool read_only;
};

struct sandbox_spec {
	const char *hostname;
	char *const *argv; /* NULL-terminated */
	char *const *env;  /* "NAME=value", NULL-terminated */
	const char *cwd;
	const char *workspace; /* host directory shown as /workspace */
	const char *hidden;    /* one more directory to hide (the state directory) */
	const struct sandbox_mount *mounts;
	size_t mount_count;
	const char *const *capabilities; /* "BPF", …; NULL-terminated; of root only */
	uid_t uid;
	gid_t gid;
	bool tty, open_stdin, private_network;
	pid_t join; /* 0; or a command whose namespaces are joined instead (exec) */
	const struct cgroup *cgroup; /* borrowed for the sandbox's life */
};

struct sandbox_ops {
	void (*output)(void *data, int stream, const char *bytes, size_t len);
	/* Everything it printed was delivered, of a joined one its background too. code 0–255 */
	void (*exited)(void *data, int code);
};

int sandbox_start(const struct sandbox_spec *spec, const struct sandbox_ops *ops, void *data,
		  struct sandbox **ret, struct error *e);
void sandbox_signal(const struct sandbox *s, int signal); /* to the command */
void sandbox_kill(const struct sandbox *s);
void sandbox_free(struct sandbox *s); /* kills without calling back */
DEFINE_CLEANUP(struct sandbox *, sandbox_free)
pid_t sandbox_pid(const struct sandbox *s);        /* of the command, seen from here; 0: not yet */
int sandbox_stdin(const struct sandbox *s);        /* pty or pipe; -1: none. Borrowed */
int sandbox_take_stdin(struct sandbox *s);         /* the pipe, owned by the caller from now on */
void sandbox_pause(struct sandbox *s, bool pause); /* its output waits */
void sandbox_abandon(struct sandbox *s);           /* frees s; a joined command runs on by itself */
void sandbox_free_abandoned(void);                 /* at the end: those that still run */
/* The path where a command would be found in the sandbox; false: nowhere. */
bool sandbox_finds(const char *command);
