/* SPDX-License-Identifier: Apache-2.0 */
/* A log stream and what it tells, as text, for the tests of k8s/log_stream.c. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "k8s/log_stream.h"
#include "k8s/log_stream_private.h"
#include "tests/unit/http_script.h"

#define T(ns) "2026-11-24T02:02:45." ns "Z "
#define S45 INT64_C(1795485765000000000) /* 2026-11-24T02:02:45Z */

#define LOG "/api/v1/namespaces/n/pods/p/log?container=c&timestamps=true"

static inline struct log_position at(int64_t ns, uint32_t same)
{
	return (struct log_position){ .last_ns = S45 + ns, .same = same };
}

static struct http_script script;
static struct log_stream *stream;
static struct log_position last;
static const char *container_id;
static bool terminated, gone;
static int lines_result;
static bool stop_in_lines;

static inline int on_lines(void *data, const char *bytes, size_t len,
			   const struct log_position *pos)
{
	(void)data;
	last = *pos;
	http_script_tell(&script, "%.*s", (int)len, bytes);
	if (stop_in_lines) {
		log_stream_stop(stream);
		stream = NULL;
	}
	return lines_result;
}

static inline void on_gap(void *data, int64_t from_ns, int64_t to_ns)
{
	(void)data;
	http_script_tell(&script, "<%lld..%lld>", (long long)(from_ns - S45),
			 (long long)(to_ns - S45));
}

static inline void on_caught_up(void *data, int r, const struct error *e)
{
	(void)data;
	assert((r == 0) == !e);
	http_script_tell(&script, r ? "[no]" : "[ok]");
}

static inline void on_ended(void *data)
{
	(void)data;
	http_script_tell(&script, log_stream_complete(stream) ? "[end]" : "[cut]");
}

static inline const char *on_container(void *data, bool *ret_terminated, bool *ret_gone)
{
	(void)data;
	*ret_terminated = terminated;
	*ret_gone = gone;
	return container_id;
}

static const struct log_stream_ops ops = {
	.lines = on_lines,
	.gap = on_gap,
	.caught_up = on_caught_up,
	.ended = on_ended,
	.container = on_container,
};

static inline void start(void *data)
{
	struct log_stream_spec spec = { .client = script.client,
					.namespace_ = "n",
					.pod = "p",
					.container = "c",
					.ops = &ops };

	if (data)
		spec.from = *(struct log_position *)data;
	int r = log_stream_start(&spec, &stream, NULL);
	assert(r == 0);
}

static inline void stop(void *data)
{
	(void)data;
	if (stream)
		log_stream_stop(stream);
	stream = NULL;
}

static inline void run_from(void (*answer)(struct http_script *s, int fd, unsigned n,
					   const char *path),
			    struct log_position *from)
{
	container_id = "containerd://1";
	terminated = gone = false;
	http_script_start(&script, answer);
	http_script_call(&script, start, from);
}

static inline void run(void (*answer)(struct http_script *s, int fd, unsigned n, const char *path))
{
	run_from(answer, NULL);
}

static inline void finish(void)
{
	http_script_call(&script, stop, NULL);
	http_script_stop(&script);
	stop_in_lines = false;
	lines_result = 0;
}

/* The cached pod changes, on the loop's thread as in life. */
static inline void end_container(void *data)
{
	(void)data;
	terminated = true;
	log_stream_poke(stream);
}

static inline void delete_pod(void *data)
{
	(void)data;
	gone = true;
	log_stream_poke(stream);
}

static inline void start_container(void *data)
{
	container_id = data;
	log_stream_poke(stream);
}

static inline void refresh(void *data)
{
	(void)data;
	log_stream_refresh(stream);
}

static inline bool is_follow(const char *path)
{
	return strstr(path, "&follow=true");
}

static inline void assert_request(unsigned n, const char *query)
{
	http_script_expect_requests(&script, n + 1);
	assert_int_equal(strncmp(script.paths[n], LOG, strlen(LOG)), 0);
	assert_string_equal(script.paths[n] + strlen(LOG), query);
}

#define SINCE "&sinceTime=2026-11-24T02%3A02%3A45Z"
#define TWO T("000000001") "a\n" T("000000002") "b\n"
#define THREE TWO T("000000003") "c\n"
