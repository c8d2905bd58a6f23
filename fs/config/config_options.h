/* SPDX-License-Identifier: Apache-2.0 */
/* The text after -o, word by word. Private to config.c. */
#pragma once
#include "k8s/base/buf.h"
#include "k8s/base/error.h"

/* A word "key", or "key=value" with "\," undone. 1: taken; 0: no setting; -errno. */
typedef int config_options_set(void *data, const char *key, const char *value, struct error *e);

/* Words that are no settings: mount(8)'s and libfuse's are appended to ret_fuse_options as written,
 * those for others (x-*, _netdev …) are dropped, all else is -EINVAL. */
int config_options_read(const char *options, config_options_set *set, void *data,
			struct buf *ret_fuse_options, struct error *e);
