/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drafts: weavers being prepared, and the defaults that a bare mkdir uses (a draft without a name).
 * A draft's content is an immutable, refcounted podspec that a write exchanges for a changed copy.
 * Local to the mount, in memory. Any thread.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "fs/weaver/podspec.h"
#include "k8s/base/error.h"

struct attr;
struct drafts;
struct weaverfs;

struct drafts_view {
	uint64_t object;      /* INO_OBJECT_DEFAULTS, or of the draft's own uuid */
	char name[64];        /* "" of the defaults */
	struct podspec *spec; /* a reference */
	uid_t uid;
	gid_t gid;
	mode_t mode;        /* permission bits of the directory: 0700; the defaults 0755 */
	mode_t weaver_mode; /* of the weaver that is made of it: 0750 less the maker's umask */
	int64_t changed_ns; /* CLOCK_REALTIME */
};
void drafts_view_done(struct drafts_view *v);

int drafts_new(struct weaverfs *fs, struct drafts **ret,
	       struct error *e); /* takes in the defaults */
void drafts_free(struct drafts *d);

int drafts_find(struct drafts *d, uint64_t object, struct drafts_view *ret);    /* -ENOENT */
int drafts_lookup(struct drafts *d, const char *name, struct drafts_view *ret); /* -ENOENT */
int64_t drafts_changed_ns(struct drafts *d); /* when one came or went; 0: never */
struct drafts_name {
	uint64_t object;
	char name[64];
};
int drafts_list(struct drafts *d, struct drafts_name **ret, size_t *ret_n); /* owned array */
/*
 * A copy of the defaults; mode as of MKDIR, less the umask. -EEXIST, what podspec_check_name()
 * says, -ENOMEM; -EDQUOT over 1,000.
 */
int drafts_make(struct drafts *d, const char *name, uid_t uid, gid_t gid, mode_t mode,
		struct drafts_view *ret, struct error *e);
int drafts_remove(struct drafts *d, const char *name); /* -ENOENT */
void drafts_used(struct drafts *d, uint64_t object);   /* it has become a weaver; or is gone */
int drafts_rename(struct drafts *d, const char *name, const char *to, struct error *e);
/* A reference: what mkdir uses. */
struct podspec *drafts_defaults(struct drafts *d);
/*
 * Makes `content` the value of a row with a draft hook; all or nothing. -EINVAL and why; -ENOENT.
 */
int drafts_write(struct drafts *d, uint64_t object, const struct attr *a, const char *content,
		 size_t len, struct error *e);
