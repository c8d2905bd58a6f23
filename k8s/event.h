/* SPDX-License-Identifier: Apache-2.0 */
/* A core/v1 Event about a pod, compact: one allocation, immutable after event_parse(). */
#pragma once
#include <stdint.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

struct event {
	const char *uid;          /* of the event: a repeated one comes again with a higher count */
	const char *involved_uid; /* of the pod */
	const char *type;         /* "Normal", "Warning" */
	const char *reason, *message;
	int64_t last_s; /* lastTimestamp, eventTime or creationTimestamp */
	int count;      /* 1 where the server says nothing; series.count too */
};

int event_parse(const char *json, struct event **ret, struct error *e);
void event_free(struct event *ev);
DEFINE_CLEANUP(struct event *, event_free)
