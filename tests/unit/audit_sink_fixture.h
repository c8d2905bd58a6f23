/* SPDX-License-Identifier: Apache-2.0 */
/* For each test a buffer, a server that refuses connections until it is let listen, and a sink. */
#pragma once
#include <errno.h>

#include <cjson/cJSON.h>

#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/buffer.h"
#include "sidecar/sink_http.h"
#include "sidecar/stats.h"
#include "tests/unit/audit_fixture.h"
#include "tests/unit/http_server.h"

#define REPLY(status) "HTTP/1.1 " status "\r\nContent-Length: 2\r\n\r\n{}"
#define OK REPLY("200 OK")

static char dir[32], token_path[64], url[64];
static struct http_server server;
static struct stats stats;
static struct sink_http *sink;
static struct buffer *buffer;
static const char hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/audit_sink.XXXXXX");
	audit_directory(dir);
	snprintf(token_path, sizeof(token_path), "%s/token", dir);
	write_text(token_path, "t0k3n\n");
	stats_init(&stats);
	assert_int_equal(buffer_open(dir, 1 << 20, NULL, NULL, &buffer, NULL), 0);
	http_server_bind(&server);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", server.sockets.port);
	sink = NULL;
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	sink_http_stop(sink);
	http_server_stop(&server);
	buffer_close(buffer);
	stats_done(&stats);
	audit_remove(dir);
	return 0;
}

static inline void append_text(const char *lines, uint32_t records)
{
	struct buffer_lines l = { .lines = lines,
				  .len = strlen(lines),
				  .records = records,
				  .begins_batch = true,
				  .hash = hash };

	assert_int_equal(buffer_append(buffer, &l, NULL), 0);
	lock_guard(&stats.lock);
	buffer_state(buffer, &stats.buffer);
}

static inline void append(unsigned from, unsigned count)
{
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < count; i++)
		buf_printf(&b, "{\"event_type\":\"file_open\",\"n\":%u}\n", from + i);
	append_text(b.data, count);
	buf_done(&b);
}

static inline struct sink_http_options options(void)
{
	return (struct sink_http_options){ .url = url,
					   .buffer = dir,
					   .weaver_id = "w-1",
					   .org_id = "o-1",
					   .token_path = token_path,
					   .ca_path = "",
					   .allow_insecure = true,
					   .stats = &stats,
					   .interval_ms = 10,
					   .backoff_ms = 10,
					   .timeout_ms = 1000 };
}

static inline void start(void)
{
	struct sink_http_options o = options();
	struct error e = ERROR_INIT;

	if (sink_http_start(&o, &sink, &e) < 0)
		fail_msg("%s", e.text);
}

/* Waits until the server has taken so many records, or so many are given up. */
static inline void wait_for(const uint64_t *member, uint64_t value)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&stats.lock.mutex);
		uint64_t is = *member;
		pthread_mutex_unlock(&stats.lock.mutex);
		if (is >= value) {
			assert_int_equal(is, value);
			return;
		}
		usleep(10000);
	}
	fail_msg("waited for %d, is %d: %s", (int)value, (int)*member, stats.server);
}

/* The numbers of the n-th request's records as text: "1 2 3"; its Idempotency-Key. */
static inline const char *request(unsigned n, char key[100])
{
	static char text[8192];
	char *at = server.log.data;
	size_t len = 0;

	for (; n > 0 && at; n--)
		at = strstr(at + 1, "POST ");
	assert_non_null(at);
	assert_memory_equal(at, "POST /internal/weaver-audit/events HTTP/1.1\r\n", 45);
	assert_non_null(strstr(at, "Content-Type: application/json\r\n"));
	sscanf(strstr(at, "Idempotency-Key: "), "Idempotency-Key: %99s", key);
	cJSON *body = cJSON_ParseWithOpts(strstr(at, "\r\n\r\n") + 4, NULL, false);
	assert_string_equal(cJSON_GetObjectItem(body, "weaver_id")->valuestring, "w-1");
	assert_string_equal(cJSON_GetObjectItem(body, "org_id")->valuestring, "o-1");
	const cJSON *event;
	text[0] = '\0';
	cJSON_ArrayForEach(event, cJSON_GetObjectItem(body, "events")) {
		const cJSON *number = cJSON_GetObjectItem(event, "n");

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", len ? " " : "",
					number ? number->valueint : -1);
	}
	cJSON_Delete(body);
	return text;
}
