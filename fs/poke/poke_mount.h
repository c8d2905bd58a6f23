/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "k8s/base/error.h"

/*
 * A mount of its own of what is mounted on the path, which is nowhere in the tree (open_tree(2)):
 * it keeps the file system, but not the mount on the path, which may be unmounted. A descriptor,
 * and the device number; -errno; -ENODEV: the topmost mount there is no root of a FUSE file system.
 * Asks the mount nothing.
 */
int poke_mount_clone(const char *mountpoint, dev_t *ret_device, struct error *e);
/* Whether the device is still mounted on the path, be it under another one. */
bool poke_mount_there(const char *mountpoint, dev_t device);
