/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inode numbers beside the one that a weaver's row makes. ports/<n> has one for each port. exec and
 * stdin have another for each look-up: the kernel lets one write at a time into an inode, and
 * whoever waits behind it cannot be killed, while a write to a command may wait for long.
 *
 * They are kept as long as the kernel knows them: it counts its look-ups and gives them back by
 * FORGET. Any thread.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct aliases;

/* What a number stands for. */
struct alias {
	uint64_t object; /* the weaver's */
	unsigned row;
	uint16_t port; /* 0: another number for each look-up */
};

int alias_new(struct aliases **ret, struct error *e);
void alias_free(struct aliases *a); /* NULL allowed */

/* A number for one more look-up. 0 or -ENOMEM. */
int alias_take(struct aliases *a, const struct alias *what, fuse_ino_t *ret);
/* One more look-up of a number that is known, as MKNOD is one. */
void alias_again(struct aliases *a, fuse_ino_t ino);
/* -ENOENT */
int alias_find(struct aliases *a, fuse_ino_t ino, struct alias *ret);
/* n look-ups are given back; what is no alias is nothing. */
void alias_forget(struct aliases *a, fuse_ino_t ino, uint64_t n);
