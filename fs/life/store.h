/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes to a live weaver: a store handler says what to change, this sends it as one merge patch
 * with uid and resourceVersion as preconditions, and runs the handler again on the newer pod when
 * another writer was faster. The caller is answered when the registry shows the change.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stddef.h>
#include <sys/stat.h>

#include "fs/attr/attr.h"

struct store_request {
	uint64_t object;
	const struct attr *attr; /* NULL: attributes of the directory, in `st` and `to_set` */
	struct caller caller;
	bool append, truncate;
	const char *data; /* copied */
	size_t len;
	struct stat st; /* chmod, chown of the directory */
	int to_set;     /* FUSE_SET_ATTR_MODE, _UID, _GID */
};

/*
 * Any thread. req NULL: nobody waits. Takes req: fuse_reply_write(len) or fuse_reply_attr(), or the
 * error.
 */
void store_start(struct weaverfs *fs, fuse_req_t req, const struct store_request *what);
