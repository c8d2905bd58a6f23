/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods for unit tests: from tests/fixtures/pods, or as JSON in place. Tests run at the tree's top.
 */
#pragma once
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/weaver/events.h"
#include "k8s/base/buf.h"
#include "k8s/event.h"
#include "k8s/pod.h"

#define PODS_DIR "tests/fixtures/pods"
#define BARE_POD "{\"metadata\":{\"name\":\"p\",\"uid\":\"u\"}}"

/* The file's text; fails the test where there is none. */
static inline void pods_read(const char *name, struct buf *out)
{
	char path[512], part[4096];
	size_t n;

	snprintf(path, sizeof(path), PODS_DIR "/%s", name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(out, part, n);
	fclose(file);
	assert_int_equal(buf_error(out), 0);
}

static inline struct pod *pods_parse(const char *json)
{
	struct error e = ERROR_INIT;
	struct pod *pod = NULL;

	if (pod_parse(json, "weaver", &pod, &e) < 0)
		fail_msg("%s", e.text);
	return pod;
}

static inline struct pod *pods_load(const char *name)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT;

	pods_read(name, &json);
	return pods_parse(buf_str(&json));
}

/* old (taken) with one more event. */
static inline struct event_list *pods_add_event(struct event_list *old, const char *json)
{
	struct event *event = NULL;

	assert_int_equal(event_parse(json, &event, NULL), 0);
	struct event_list *list = event_list_add(old, event);
	assert_non_null(list);
	event_list_unref(old);
	return list;
}

/* All events of a scenario ("exit7" of "exit7.Error.json"), or NULL. */
static inline struct event_list *pods_load_events(const char *name)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT;
	struct event_list *list = NULL;
	char file[256];

	snprintf(file, sizeof(file), "%.*s.events.json", (int)strcspn(name, "."), name);
	pods_read(file, &json);
	cJSON *events = cJSON_Parse(buf_str(&json));
	const cJSON *event;
	cJSON_ArrayForEach(event, events) {
		char *text = cJSON_PrintUnformatted(event);
		list = pods_add_event(list, text);
		free(text);
	}
	cJSON_Delete(events);
	return list;
}
