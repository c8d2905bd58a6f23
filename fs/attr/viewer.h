/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which weavers a caller may see: those whose directory he may read and search, supplementary
 * groups counted, as the kernel would decide it.
 */
#pragma once
#include <stdbool.h>

#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"

struct viewer {
	struct caller caller;
	bool read;    /* the groups were looked for */
	char *groups; /* owned: "Groups:\t4 24 1000 \n"; NULL: not to be had */
};

/* Supplementary groups are read from /proc only when a decision hangs on them... */
void viewer_init(struct viewer *v, const struct caller *caller);
/* ...or now, when the caller may be gone by then. */
void viewer_read_groups(struct viewer *v);
void viewer_done(struct viewer *v);
bool viewer_may_see(struct viewer *v, const struct weaver_owner *owner);
