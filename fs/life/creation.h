/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One creation of a weaver, whoever asked for it: mkdir, mv of a draft, a line of .weaverfs/new.
 * create.h has the rules. On the cluster thread, but for creation_start().
 */
#pragma once
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct create {
	struct weaverfs *fs;
	/* Cluster thread. */
	struct list creations; /* struct creation */
	struct list claims;    /* struct claim: theirs, and those of mv */
};

struct creation_spec {
	const char *op;       /* for .weaverfs/errors: "mkdir"; literal */
	const char *name;     /* a legal one; copied */
	struct podspec *spec; /* borrowed; NULL: the defaults at the time */
	uid_t caller;         /* who hears of errors */
	pid_t pid;            /* its process */
	uid_t uid;            /* who owns the weaver, and whose it counts as */
	gid_t gid;
	mode_t mode;
	int64_t timeout_ms; /* of all of it; 0: create_timeout_ms */
	bool own_event;     /* the kernel tells watchers of the root itself */
	/*
	 * Once: 0 and the pod's uid, which the registry shows; or -errno and why. Then .weaverfs/
	 * errors has it already, and nothing is left behind.
	 */
	void (*done)(void *data, int r, const struct error *e, const char *pod_uid);
	void *data;
};

/* Any thread. -ENOMEM: done will not be called. */
int creation_start(struct create *c, const struct creation_spec *spec, struct error *e);
/* Ends all that are under way, with EIO. */
void creation_cancel_all(struct create *c);

/* ---- creation_cap.c ---- */
/* Counts as a weaver already, though its pod is not seen yet; uid -1: anybody's. */
size_t creation_in_flight(const struct create *c, uid_t uid);
/* EDQUOT while the namespace's pods, terminating ones too, use up max_concurrent, or the user's
 * max_per_user. */
int creation_cap_check(const struct create *c, uid_t uid, struct error *e);
