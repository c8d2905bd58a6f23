/* SPDX-License-Identifier: Apache-2.0 */
/* See event.h. */
#include "tools/kubesim/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"

#define EVENT_MAX 4000 /* the real ones live an hour; here the oldest make room */

static bool event_same(const cJSON *o, const struct object *pod, const struct event *event,
		       const char *message)
{
	return strcmp(json_str_or(o, "involvedObject.uid", ""), pod->uid) == 0 &&
	       strcmp(json_str_or(o, "reason", ""), event->reason) == 0 &&
	       strcmp(json_str_or(o, "message", ""), message) == 0 &&
	       strcmp(json_str_or(o, "involvedObject.fieldPath", ""),
		      event->field_path ? event->field_path : "") == 0;
}

/* Counts a repeat; false: there was none. Names begin with the pod's, so they are neighbours. */
static bool event_repeat(const struct object *pod, const struct event *event, const char *message)
{
	struct object *const *all;
	size_t n = store_range(&kind_table[KIND_EVENT], pod->ns, &all);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(json_member(all[i]->now->fields, "involvedObject.uid"), pod->uid) != 0)
			continue;
		cJSON *o = store_json(all[i]);
		if (!event_same(o, pod, event, message)) {
			cJSON_Delete(o);
			continue;
		}
		char now[RFC3339_SECONDS_LEN + 1];
		rfc3339_format(time(NULL), now);
		json_set_int(o, "count", json_int(o, "count", 1) + 1);
		if (json_str(o, "lastTimestamp"))
			json_set_str(o, "lastTimestamp", now);
		store_update(all[i], o);
		return true;
	}
	return false;
}

static void event_evict(void)
{
	struct object *const *all;
	size_t n = store_range(&kind_table[KIND_EVENT], NULL, &all), oldest = 0;
	if (n < EVENT_MAX)
		return;
	for (size_t i = 1; i < n; i++)
		if (all[i]->now->rv < all[oldest]->now->rv)
			oldest = i;
	store_remove(all[oldest]);
}

static cJSON *event_object(const struct object *pod, const struct event *event, const char *message)
{
	char now[RFC3339_SECONDS_LEN + 1], rv[24];
	rfc3339_format(time(NULL), now);
	snprintf(rv, sizeof(rv), "%" PRIu64, pod->now->rv);
	bool scheduler = strcmp(event->component, "kubelet") != 0;
	cJSON *o = cJSON_CreateObject(), *about = cJSON_CreateObject();
	cJSON_AddObjectToObject(o, "metadata");
	cJSON_AddStringToObject(about, "kind", "Pod");
	cJSON_AddStringToObject(about, "namespace", pod->ns);
	cJSON_AddStringToObject(about, "name", pod->name);
	cJSON_AddStringToObject(about, "uid", pod->uid);
	cJSON_AddStringToObject(about, "apiVersion", "v1");
	cJSON_AddStringToObject(about, "resourceVersion", rv);
	if (event->field_path)
		cJSON_AddStringToObject(about, "fieldPath", event->field_path);
	cJSON_AddItemToObject(o, "involvedObject", about);
	cJSON_AddStringToObject(o, "reason", event->reason);
	cJSON_AddStringToObject(o, "message", message);
	cJSON *source = cJSON_AddObjectToObject(o, "source");
	if (scheduler) {
		char micro[RFC3339_NANOS_LEN + 1];
		rfc3339_format_nanos(clock_realtime_ns(), micro);
		memcpy(micro + 26, "Z", 2); /* MicroTime has six digits */
		cJSON_AddNullToObject(o, "firstTimestamp");
		cJSON_AddNullToObject(o, "lastTimestamp");
		cJSON_AddStringToObject(o, "type", event->type);
		cJSON_AddStringToObject(o, "eventTime", micro);
		cJSON_AddStringToObject(o, "action",
					event->type[0] == 'N' ? "Binding" : "Scheduling");
		cJSON_AddStringToObject(o, "reportingInstance", "default-scheduler-kubesim");
	} else {
		cJSON_AddStringToObject(source, "component", event->component);
		cJSON_AddStringToObject(source, "host", "kubesim");
		cJSON_AddStringToObject(o, "firstTimestamp", now);
		cJSON_AddStringToObject(o, "lastTimestamp", now);
		cJSON_AddNumberToObject(o, "count", 1);
		cJSON_AddStringToObject(o, "type", event->type);
		cJSON_AddNullToObject(o, "eventTime");
		cJSON_AddStringToObject(o, "reportingInstance", "kubesim");
	}
	cJSON_AddStringToObject(o, "reportingComponent", event->component);
	return o;
}

void event_record(const struct object *pod, const struct event *event, const char *fmt, ...)
{
	static uint64_t serial;
	_cleanup_(buf_done) struct buf message = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	if (event_repeat(pod, event, buf_str(&message)))
		return;
	event_evict();
	char name[320];
	snprintf(name, sizeof(name), "%s.%016" PRIx64, pod->name,
		 (uint64_t)clock_realtime_ns() + serial++);
	store_add(&kind_table[KIND_EVENT], pod->ns, name,
		  event_object(pod, event, buf_str(&message)));
}
