/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true before there is a mount: a server that is new enough, a namespace, a first
 * list. The main thread waits here while the cluster thread asks; a signal ends each wait with
 * -EINTR.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct client;
struct loop;
struct sync;

struct start_question {
	struct client *client;
	const char *namespace_;
	bool make_namespace; /* a missing one: the cluster was made for this mount alone */
	int64_t timeout_ns;  /* for a server that is away; each answer has 2 s at least */
	void (*say)(const char *text); /* that it waits, and for what; the caller's thread */
};
struct start_facts {
	bool simulated; /* the server is kubesim */
	char namespace_uid[64];
};

/* -EINVAL: older than Kubernetes 1.30; -ENOENT, -EROFS: the namespace is missing, terminating;
 * -EACCES; what connecting failed with after timeout_ns. Sentences ready for the user. */
int start_ask(const struct start_question *q, struct start_facts *ret, struct error *e);

/* Runs run() on the cluster thread and waits for its end (not for a signal: it must not wait). */
int start_on_loop(struct loop *loop, int (*run)(void *data, struct error *e), void *data,
		  struct error *e);

/* Waits until the first list is in. -ETIMEDOUT, -EACCES, or what sync_healthy() says. */
int start_wait_list(struct sync *sync, int64_t timeout_ns, struct error *e);
