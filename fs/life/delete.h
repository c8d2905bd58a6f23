/* SPDX-License-Identifier: Apache-2.0 */
/* rmdir in the root: DELETE with 5 s grace and the uid as precondition. */
#pragma once
#include <fuse_lowlevel.h>

struct weaverfs;

/* Any thread, from RMDIR: takes req and answers it, on the cluster thread, when the API server has
 * accepted. ENOENT, EBUSY (hold), or what the server said. */
void delete_rmdir(struct weaverfs *fs, fuse_req_t req, const char *name);
