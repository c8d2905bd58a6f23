/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranked mutexes. Every lock of a program stands in one list (enum lock_rank); a thread takes them
 * in rising rank only, and asserts so. No lock is held across a reply, a notification, network, or
 * a call through a function pointer: lock_assert_none() says so at such places.
 */
#pragma once
#include <pthread.h>

#include "k8s/base/cleanup.h"

enum lock_rank {
	LOCK_REGISTRY = 1, /* fs/registry.c: weavers, names, their pods */
	LOCK_QUEUE,        /* k8s/loop.c, k8s/ws.c: jobs from other threads to theirs */
	LOCK_LEAF,         /* private to one file, nothing is called under it */
};

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
};

/* For a lock that lives as long as the program; it needs neither lock_init nor lock_done. */
/* clang-format off */
#define LOCK_STATIC_INIT(r) { PTHREAD_MUTEX_INITIALIZER, (r) }
/* clang-format on */

void lock_init(struct lock *l, enum lock_rank rank);
void lock_done(struct lock *l);
void lock_take(struct lock *l);
void lock_release(struct lock *l);
void lock_assert_held(const struct lock *l);
void lock_assert_none(void); /* this thread holds no lock at all */

static inline void lock_guard_done(struct lock **l)
{
	lock_release(*l);
}
static inline struct lock *lock_guard_take(struct lock *l)
{
	lock_take(l);
	return l;
}
/* Holds l until the end of the enclosing block; one per block. */
#define lock_guard(l)                                                                              \
	_cleanup_(lock_guard_done) __attribute__((unused)) struct lock *_guard = lock_guard_take(l)
