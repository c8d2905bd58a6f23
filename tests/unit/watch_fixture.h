/* SPDX-License-Identifier: Apache-2.0 */
/* A watch against a scripted server; what its owner is told becomes words to compare. */
#pragma once
#include "http_script.h"
#include "k8s/watch_private.h"

#define BASE "/api/v1/namespaces/n/pods?labelSelector=a%3Db&"
#define POD(name, rv) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" rv "\"}}"
#define FRAME(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(rv) FRAME("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" rv "\"}}")
#define INITIAL_END(rv)                                                                            \
	FRAME("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" rv "\",\"annotations\":{"        \
			  "\"k8s.io/initial-events-end\":\"true\"}}}")
#define STATUS(code, reason)                                                                       \
	"{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"because\",\"reason\":\"" reason \
	"\",\"code\":" code "}"
#define LIST(rv, items) "{\"metadata\":{\"resourceVersion\":\"" rv "\"},\"items\":[" items "]}"

static struct http_script script;
static struct watch *watch;
static unsigned stop_at, objects, relist_at;

static void on_begin(void *data)
{
	(void)data;
	http_script_tell(&script, "begin ");
}

static void on_end(void *data)
{
	(void)data;
	http_script_tell(&script, "end ");
}

static void on_abort(void *data)
{
	(void)data;
	http_script_tell(&script, "abort ");
}

static void on_object(void *data, enum watch_event type, const char *json, size_t len)
{
	size_t n = 0;
	const char *metadata = strstr(json, "\"name\":\"");

	(void)data;
	assert(json[len] == '\0');
	n = metadata ? strcspn(metadata + 8, "\"") : 0;
	http_script_tell(&script, "%c:%.*s ", "AMD"[type], (int)n, metadata ? metadata + 8 : "");
	objects++;
	if (objects == stop_at) {
		watch_stop(watch);
		watch = NULL;
	}
	if (objects == relist_at)
		watch_relist(watch);
}

static void on_health(void *data, bool healthy, const struct error *e)
{
	(void)data;
	assert(healthy == !e);
	http_script_tell(&script, healthy ? "up " : "down ");
}

static const struct watch_ops ops = {
	.replace_begin = on_begin,
	.replace_end = on_end,
	.replace_abort = on_abort,
	.object = on_object,
	.health = on_health,
};

static void start(void *data)
{
	struct watch_spec spec = { .client = script.client,
				   .path = "/api/v1/namespaces/n/pods",
				   .selector = "labelSelector=a%3Db",
				   .ops = &ops };

	(void)data;
	int r = watch_start(&spec, &watch, NULL);
	assert(r == 0);
}

static void stop(void *data)
{
	(void)data;
	if (watch)
		watch_stop(watch);
	watch = NULL;
}

static void run(void (*answer)(struct http_script *s, int fd, unsigned n, const char *path))
{
	objects = 0;
	http_script_start(&script, answer);
	http_script_call(&script, start, NULL);
}

static void finish(void)
{
	http_script_call(&script, stop, NULL);
	http_script_stop(&script);
	stop_at = relist_at = 0;
}

static void assert_request(unsigned n, const char *query)
{
	http_script_expect_requests(&script, n + 1);
	const char *path = script.paths[n];
	assert_int_equal(strncmp(path, BASE, strlen(BASE)), 0);
	if (!strstr(path, query))
		fail_msg("request %u: %s has no %s", n, path, query);
}
