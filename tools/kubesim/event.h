/* SPDX-License-Identifier: Apache-2.0 */
/* Events about pods, as the kubelet and the scheduler record them; repeats are counted. */
#pragma once
#include "tools/kubesim/store.h"

struct event {
	const char *type, *reason; /* "Normal" or "Warning" */
	const char *component;     /* "kubelet", "default-scheduler" */
	const char *field_path;    /* "spec.containers{weaver}"; NULL: the pod */
};

void event_record(const struct object *pod, const struct event *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
