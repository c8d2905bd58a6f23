/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster thread: one curl_multi, timers, and jobs that other threads hand over. Everything in
 * k8s/ runs on it and needs no lock; only loop_post() may be called from elsewhere.
 */
#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct loop;

/* A piece of work for the loop thread; embedded in its owner, free again when run() is called. */
struct loop_job {
	struct list node; /* LOCK_QUEUE */
	void (*run)(struct loop_job *job);
};

/* Fires once at its time; embedded in its owner. Loop thread only. */
struct loop_timer {
	struct list node; /* unlinked while not armed; list_init() by loop_timer_init */
	int64_t at_ns;    /* CLOCK_MONOTONIC */
	void (*fire)(struct loop_timer *t);
};

/* A descriptor that is watched for something to read; embedded in its owner. Loop thread only. */
struct loop_fd {
	struct list node; /* unlinked while not watched; list_init() by loop_fd_init */
	int fd;           /* borrowed */
	bool readable;    /* the loop's own: ready() is due */
	void (*ready)(struct loop_fd *f);
};

int loop_new(struct loop **ret, struct error *e);
/* Starts the thread, named `name` (at most 15 characters); signals are blocked in it. */
int loop_start(struct loop *l, const char *name, struct error *e);
/*
 * Makes the thread finish: jobs that are queued are still run, then it is joined. The owners of
 * requests cancel them in such a job first.
 */
void loop_stop(struct loop *l);
void loop_free(struct loop *l); /* after loop_stop(), or never started */

void loop_post(struct loop *l, struct loop_job *job); /* any thread; order is kept */
bool loop_is_current(const struct loop *l);           /* for assertions */

void loop_timer_init(struct loop_timer *t, void (*fire)(struct loop_timer *t));
/* Arms or moves t; a time that is past fires on the next turn, never from inside this call. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ns);
void loop_timer_cancel(struct loop_timer *t);

void loop_fd_init(struct loop_fd *f, void (*ready)(struct loop_fd *f));
/*
 * Calls ready() on each turn on which fd can be read, or its other end is closed; never from inside
 * this call. 0 or -ENOMEM.
 */
int loop_fd_watch(struct loop *l, struct loop_fd *f, int fd);
void loop_fd_unwatch(struct loop *l, struct loop_fd *f); /* before fd is closed; also unwatched */

/*
 * Runs a transfer. done() is called on the loop thread when it has ended, after the handle has been
 * taken out of the multi; CURLOPT_PRIVATE is the loop's own.
 */
struct loop_transfer {
	CURL *easy; /* borrowed */
	void (*done)(struct loop_transfer *t, CURLcode result);
};
int loop_transfer_start(struct loop *l, struct loop_transfer *t, struct error *e);
void loop_transfer_cancel(struct loop *l, struct loop_transfer *t); /* done() is not called */
