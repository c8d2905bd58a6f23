/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks for last lines. Reads never call the API server, so it is done once, in the background, when
 * a pod's state begins to have a cause that its container's last line may explain; until the answer
 * is there, and when there is none, the hint says where to look instead. Cluster thread.
 */
#pragma once
#include "k8s/base/error.h"

struct last_line_asker;
struct weaverfs;

int last_line_asker_new(struct weaverfs *fs, struct last_line_asker **ret, struct error *e);
void last_line_asker_free(struct last_line_asker *a);
/* From sync, after the registry has it: a pod, or an event of it, is new. */
void last_line_asker_changed(struct last_line_asker *a, const char *uid);
