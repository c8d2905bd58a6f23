/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each thread remembers the locks it holds, one slot a rank: since ranks only rise, there is never
 * a second lock of the same rank. The assertions cost a few instructions and stay in releases.
 */
#include "k8s/base/lock.h"

#undef NDEBUG
#include <assert.h>
#include <stddef.h>

static _Thread_local const struct lock *held[LOCK_LEAF + 1];

void lock_init(struct lock *l, enum lock_rank rank)
{
	int r = pthread_mutex_init(&l->mutex, NULL); /* glibc: cannot fail without attributes */

	assert(r == 0);
	assert(rank >= LOCK_REGISTRY && rank <= LOCK_LEAF);
	l->rank = rank;
}

void lock_done(struct lock *l)
{
	int r = pthread_mutex_destroy(&l->mutex);

	assert(r == 0);
}

void lock_take(struct lock *l)
{
	for (int rank = l->rank; rank <= LOCK_LEAF; rank++)
		assert(!held[rank]);

	int r = pthread_mutex_lock(&l->mutex);

	assert(r == 0);
	held[l->rank] = l;
}

void lock_release(struct lock *l)
{
	lock_assert_held(l);
	held[l->rank] = NULL;

	int r = pthread_mutex_unlock(&l->mutex);

	assert(r == 0);
}

void lock_assert_held(const struct lock *l)
{
	assert(held[l->rank] == l);
}

void lock_assert_none(void)
{
	for (size_t rank = 0; rank < ARRAY_SIZE(held); rank++)
		assert(!held[rank]);
}
