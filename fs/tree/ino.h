/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inode numbers, not inode objects: ino = object << 8 | row. The object is the 56-bit hash of a
 * uid, so it is the same on every mount and after every restart and never means anything else; the
 * row is a line of the attribute table, 0 being the object's own directory.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdint.h>

#include "k8s/base/hash.h"

#define INO_ROOT FUSE_ROOT_ID

/* Objects that are no weavers. Hashed ones are INO_OBJECT_FIRST or more. */
enum ino_object {
	INO_OBJECT_ROOT,     /* only INO_ROOT */
	INO_OBJECT_CONTROL,  /* .weaverfs */
	INO_OBJECT_DEFAULTS, /* .weaverfs/defaults */
	INO_OBJECT_DRAFTS,   /* .drafts */
	INO_OBJECT_ARCHIVE,  /* .archive */
	INO_OBJECT_SOCKETS,  /* .weaverfs/.sockets, where a helper binds them; seen by it alone */
	INO_OBJECT_FIRST = 1u << 16,
};

#define INO_ROW_DIR 0

static inline fuse_ino_t ino_make(uint64_t object, unsigned row)
{
	return object == INO_OBJECT_ROOT ? INO_ROOT : object << 8 | row;
}
static inline uint64_t ino_object(fuse_ino_t ino)
{
	return ino == INO_ROOT ? INO_OBJECT_ROOT : ino >> 8;
}
static inline unsigned ino_row(fuse_ino_t ino)
{
	return ino == INO_ROOT ? INO_ROW_DIR : ino & 0xff;
}
/* The object of a uid; salt keeps a second number for the same uid apart ("" for the first). */
static inline uint64_t ino_object_of(const char *uid, const char *salt)
{
	uint64_t h = hash_str(uid) ^ hash_str(salt) * 31;
	h &= (1ULL << 56) - 1;
	return h < INO_OBJECT_FIRST ? h + INO_OBJECT_FIRST : h;
}
