/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a mount keeps what must survive it: <base>/<namespace uid>/<slot>/, 0700. Each mount of one
 * namespace on a host has a slot of its own, the lowest free one, held by flock(2): the kernel lets
 * go at kill -9, so the next mount goes on where that one stood.
 */
#pragma once
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

struct state;

#define STATE_JOURNAL "creates" /* tombstones.c's: what was sent and not settled */

/*
 * base NULL: /var/lib/weaverfs, for a plain user $XDG_STATE_HOME/weaverfs. Journals of slots that
 * nobody holds are appended to ours: their mkdirs failed as well. Without a place to write, the
 * promise that a failed mkdir leaves nothing cannot be kept: an error.
 */
int state_open(const char *base, const char *namespace_uid, struct state **ret, struct error *e);
const char *state_dir(const struct state *s);
void state_free(struct state *s); /* lets go of the slot */
DEFINE_CLEANUP(struct state *, state_free)
