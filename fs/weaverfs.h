/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount: what the parts of weaverfs need of each other. Made by parts.c, constant afterwards;
 * each member says itself which threads may use it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/logs/spool.h"
#include "k8s/base/list.h"

struct config;
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
	struct logs *logs[SPOOL_KINDS];    /* what feeds their spools */
	struct last_line_asker *last_line; /* for the hints of `reason` */
	struct streams *streams;           /* follow/ and wait/ */
	struct webhook *webhook;
	struct drafts *drafts;           /* .drafts, and what a bare mkdir uses */
	struct archive *archive;         /* what is left of weavers that are gone */
	struct quota *quota;             /* what df shows */
	struct poke *poke;               /* inotify events of others' changes */
	struct ws *ws;                   /* the ws thread: connections into weavers */
	struct relays *relays;           /* those of the cluster thread */
	struct audit *audit;             /* who keeps the trails of all */
	struct enter *enter;             /* who comes in */
	struct enter_files *enter_files; /* by opening exec or stdin */
	struct sockets *sockets;         /* by connecting to a socket in the mount */
	struct aliases *aliases;         /* inode numbers beside those of rows */
	struct fetch *fetch;             /* files whose content is asked for when opened */
	struct handles *handles;         /* what is open */
	struct list tasks;               /* in flight, see task.h; cluster thread */
	struct errors *errors;           /* the last failed operations */
	struct metrics *metrics;
	struct fuse_session *session; /* NULL before the mount */
	const char *state_dir;        /* of this namespace and mount; "" without one */
	const char *mountpoint;
	const char *alone; /* who alone sees the mount, and why; "": everybody */
	bool simulated;    /* the server is kubesim */
	uid_t uid;         /* the mount's owner */
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
