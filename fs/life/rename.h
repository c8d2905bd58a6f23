/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mv in the root: a live weaver gets another name, by a PATCH of its label with uid and
 * resourceVersion as preconditions. The rule for names is that of mkdir (create.h).
 */
#pragma once
#include <fuse_lowlevel.h>

struct weaverfs;

/* Any thread, from RENAME: takes req. EEXIST, ENOENT, what podspec_check_name() says. */
void rename_weaver(struct weaverfs *fs, fuse_req_t req, const char *from, const char *to);
