/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount: what the parts of weaverfs need of each other. Made by main.c, constant afterwards;
 * each member says itself which threads may use it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "k8s/base/list.h"

struct fuse_session;

struct weaverfs {
	const struct config *config;
	struct loop *loop; /* the cluster thread */
	struct client *client;
	struct registry *registry;
	struct sync *sync;
	struct reaper *reaper;
	struct create *create; /* in-flight mkdirs */
	struct tombstones *tombstones;
	struct logs *logs;     /* log streams and their spools */
	struct fetch *fetch;   /* files whose content is asked for when opened */
	struct list tasks;     /* in flight, see task.h; cluster thread */
	struct errors *errors; /* the last failed operations */
	struct metrics *metrics;
	struct fuse_session *session; /* NULL before the mount */
	struct podspec *defaults;     /* what a bare mkdir uses */
	const char *state_dir;        /* of this namespace and mount; "" without one */
	const char *mountpoint;
	bool simulated; /* the server is kubesim */
	uid_t uid;      /* the mount's owner */
	gid_t gid;
	int64_t started_ns; /* CLOCK_REALTIME */
};

/* Who asks: from fuse_req_ctx(), supplementary groups looked up only where needed. */
struct caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	mode_t umask;
};
