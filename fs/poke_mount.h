/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sys/types.h>

#include "k8s/base/error.h"

/*
 * The device number of what is mounted on a path, from /proc/self/mountinfo (proc(5)): stat(2)
 * would ask the mount itself, and the daemon must not. The topmost one counts. -ENOENT, -errno.
 */
int poke_mount_device(const char *mountpoint, dev_t *ret, struct error *e);
