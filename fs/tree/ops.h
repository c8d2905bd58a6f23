/* SPDX-License-Identifier: Apache-2.0 */
/* The one fuse_lowlevel_ops; the session's userdata is the struct weaverfs. */
#pragma once
#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops ops_table;
