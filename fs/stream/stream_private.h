/* SPDX-License-Identifier: Apache-2.0 */
/* What stream.c and the kinds of streams share. Cluster thread except where noted. */
#pragma once
#include "fs/stream/stream.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"

struct stream_mount;

struct streams {
	struct weaverfs *fs;
	struct list all;            /* struct stream */
	struct hash by_object;      /* the same, by the weaver's own number; 0: .weaverfs */
	struct stream_mount *mount; /* what .weaverfs/follow/events has to tell */
	struct lock lock;           /* LOCK_LEAF: stream.readable, stream.poll */
};
