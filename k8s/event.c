/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/v1 Event → struct event. Old recorders (the kubelet) repeat an event by raising count and
 * lastTimestamp; new ones (events.k8s.io, the scheduler) leave both empty and keep a series.
 */
#include "k8s/event.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#include "k8s/base/rfc3339.h"
#include "k8s/pack.h"

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

static const cJSON *get(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *get_string(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(get(object, key));
}

/* The latest moment the event tells of; seconds since the epoch, 0: none. */
static int64_t last_seconds(const cJSON *tree)
{
	const char *candidates[] = {
		get_string(get(tree, "series"), "lastObservedTime"),
		get_string(tree, "lastTimestamp"),
		get_string(tree, "eventTime"),
		get_string(get(tree, "metadata"), "creationTimestamp"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		int64_t seconds;
		if (candidates[i] && rfc3339_parse_seconds(candidates[i], &seconds, NULL) == 0)
			return seconds;
	}
	return 0;
}

static int event_count(const cJSON *tree)
{
	const cJSON *count = get(tree, "count"), *series = get(get(tree, "series"), "count");

	if (cJSON_IsNumber(series) && series->valueint > 0)
		return series->valueint;
	return cJSON_IsNumber(count) && count->valueint > 0 ? count->valueint : 1;
}

static void fill_event(struct pack *p, struct event *ev, const cJSON *tree)
{
	ev->uid = pack_string(p, get_string(get(tree, "metadata"), "uid"));
	ev->involved_uid = pack_string(p, get_string(get(tree, "involvedObject"), "uid"));
	ev->type = pack_string(p, get_string(tree, "type"));
	ev->reason = pack_string(p, get_string(tree, "reason"));
	ev->message = pack_string(p, get_string(tree, "message"));
	ev->last_s = last_seconds(tree);
	ev->count = event_count(tree);
}

int event_parse(const char *json, struct event **ret, struct error *e)
{
	_cleanup_(cJSON_Deletep) cJSON *tree = cJSON_Parse(json);
	if (!get_string(get(tree, "metadata"), "uid"))
		return error_set(e, EPROTO, "event: the server sent an object without uid");

	_cleanup_(pack_done) struct pack pack = { 0 };
	struct event measured = { 0 };
	pack_table(&pack, 1, sizeof(measured));
	fill_event(&pack, &measured, tree);
	struct event *ev = pack_begin(&pack);
	if (!ev)
		return error_oom(e);
	pack_table(&pack, 1, sizeof(*ev));
	fill_event(&pack, ev, tree);
	*ret = ev;
	return 0;
}

void event_free(struct event *ev)
{
	free(ev);
}
