/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has become of a weaver, told once to all who want to know: the counters, the streams, the
 * webhooks. From sync, cluster thread, after the registry has it.
 */
#pragma once

struct pod;
struct registry_view;
struct weaverfs;

/* before: as it was; NULL: a weaver that was not there, or is new to a mount that runs already. */
void change_seen(struct weaverfs *fs, const struct registry_view *before, const struct pod *pod);
/* The pod is no more; last: as it was before that. */
void change_gone(struct weaverfs *fs, const struct registry_view *last);
/* A Kubernetes event of the pod with that uid. */
void change_event(struct weaverfs *fs, const char *pod_uid);
