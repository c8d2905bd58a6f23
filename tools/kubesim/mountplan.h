/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the host's / looks from a sandbox: everything read-only, but what is hidden left out and room
 * made for mounts on directories the host does not have. A directory with such a place somewhere
 * below it cannot be bound whole: it becomes a fresh directory into which its entries are bound.
 */
#pragma once
#include "k8s/base/buf.h"
#include "tools/kubesim/sandbox.h"

/* Appends bubblewrap's arguments, each NUL-terminated. */
void mountplan_add(const struct sandbox_spec *spec, struct buf *out);
