/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sidecar/stats_page.c, responder.c: the pages keep to Prometheus's rules and to what health
 * means.
 */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/responder.h"
#include "sidecar/stats.h"
#include "tests/unit/audit_fixture.h"

static struct stats stats;

static int setup(void **state)
{
	(void)state;
	stats_init(&stats);
	stats.seen_ns = clock_monotonic_ns();
	stats.buffer.max = 1000;
	stats.group_count = 1;
	STATS_SAY(stats.groups[0].name, "file");
	STATS_SAY(stats.groups[0].means, "fentry");
	stats.groups[0].attached = stats.groups[0].expected = 5;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stats_done(&stats);
	return 0;
}

/* ---- metrics ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/*
 * promtool's lint of one family: its name fits its type, there is a help, its samples are its own.
 */
static void check_family(const char *name, const char *type, const char *help)
{
	assert_true(strlen(help) > 5);
	for (const char *c = name; *c; c++)
		assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
	assert_int_equal(ends_with(name, "_total"), strcmp(type, "counter") == 0);
	if (strcmp(type, "histogram") != 0) {
		assert_false(ends_with(name, "_count") || ends_with(name, "_sum") ||
			     ends_with(name, "_bucket"));
	}
	assert_null(strstr(name, type));
	static const char *const units[] = { "milli", "_ms", "kilo", "mega", "minutes", "percent" };
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		assert_null(strstr(name, units[i]));
}

/* Text format 0.0.4: HELP, TYPE, then samples of that family and of no other; each family once. */
static unsigned check_page(char *page)
{
	char seen[64][80], name[80] = "", type[16], help[200] = "";
	unsigned families = 0;
	double last_bucket = 0;

	for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
		char what[8], sample[80], *end;

		if (sscanf(line, "# HELP %79s %199[^\n]", name, help) == 2) {
			for (unsigned i = 0; i < families; i++)
				assert_string_not_equal(seen[i], name);
			strcpy(seen[families++], name);
			continue;
		}
		if (sscanf(line, "# %4s %79s %15s", what, sample, type) == 3) {
			assert_string_equal(what, "TYPE");
			assert_string_equal(sample, name);
			check_family(name, type, help);
			last_bucket = 0;
			continue;
		}
		size_t n = strcspn(line, "{ ");
		assert_memory_equal(line, name, strlen(name));
		const char *suffix = line + strlen(name);
		if (strcmp(type, "histogram") == 0)
			assert_true(strncmp(suffix, "_bucket{le=\"", 12) == 0 ||
				    strncmp(suffix, "_sum ", 5) == 0 ||
				    strncmp(suffix, "_count ", 7) == 0);
		else
			assert_int_equal(n, strlen(name));
		char *value = strrchr(line, ' ') + 1;
		double number = strtod(value, &end);
		assert_true(end > value && *end == '\0' && number >= 0);
		if (strncmp(suffix, "_bucket", 7) == 0) {
			assert_true(number >= last_bucket); /* cumulative */
			last_bucket = number;
		}
	}
	return families;
}

static void metrics_page_keeps_rules(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	stats.program_count = 2;
	STATS_SAY(stats.programs[0].name, "process_exec");
	STATS_SAY(stats.programs[1].name, "file_open");
	stats_count_code(&stats, 200);
	stats_count_code(&stats, 0);
	for (int i = 0; i < 100; i++)
		stats_observe(&stats.http_seconds, stats_seconds_bounds, i * 0.2);
	stats_page_metrics(&stats, &out);
	assert_int_equal(check_page(out.data), 18);
}

static void metrics_page_has_looms_names(void **state)
{
	static const char *const names[] = {
		"events_captured_total{event_type=\"process_exec\"} 3\n",
		"events_sent_total 0\n",
		"events_dropped_total{stage=\"ring\",reason=\"full\"} 7\n",
		"events_buffered_total 0\n",
		"batches_sent_total{outcome=\"success\"} 0\n",
		"batch_events_bucket{le=\"1\"} 0\n",
		"batch_size_bytes_bucket{le=\"1024\"} 0\n",
		"pipeline_events_in_flight 0\n",
		"buffer_events 0\n",
		"buffer_bytes 0\n",
		"buffer_oldest_event_age_seconds 0.000\n",
		"ebpf_programs_attached{program=\"x\"} 1\n",
		"ebpf_ring_buffer_dropped_events_total 7\n",
		"ebpf_ring_buffer_utilization_ratio{ring=\"normal\"} 0.2500\n",
		"http_requests_total{endpoint=\"events\",code=\"401\"} 2\n",
		"http_request_duration_seconds_count 0\n",
		"http_retries_total{reason=\"unauthorized\"} 0\n",
	};
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	stats.captured[EVENT_EXEC] = 3;
	stats.dropped[STATS_DROP_RING] = 7;
	stats.program_count = 1;
	STATS_SAY(stats.programs[0].name, "x");
	stats.programs[0].attached = true;
	stats.ring_used[0] = 1;
	stats.ring_size[0] = 4;
	stats_count_code(&stats, 401);
	stats_count_code(&stats, 401);
	stats_page_metrics(&stats, &out);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char full[120];

		snprintf(full, sizeof(full), "\nloom_weaver_audit_%s", names[i]);
		if (!strstr(out.data, full))
			fail_msg("no %s", full);
	}
}

static void histogram_counts_bounds_within(void **state)
{
	struct stats_histogram h = { 0 };

	(void)state;
	stats_observe(&h, stats_seconds_bounds, 0.005);
	stats_observe(&h, stats_seconds_bounds, 0.0051);
	stats_observe(&h, stats_seconds_bounds, 99);
	assert_int_equal(h.buckets[0], 1);
	assert_int_equal(h.buckets[1], 1);
	assert_int_equal(h.buckets[STATS_BUCKETS], 1);
	assert_int_equal(h.count, 3);
}

/* ---- health ---- */

static int health(cJSON **ret)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	int status = stats_page_health(&stats, &out);

	*ret = cJSON_Parse(out.data);
	assert_non_null(*ret);
	return status;
}

static void expect_health(int status, const char *word, const char *reason)
{
	cJSON *tree;

	assert_int_equal(health(&tree), status);
	assert_string_equal(cJSON_GetObjectItem(tree, "status")->valuestring, word);
	const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "reasons"), 0);
	if (reason)
		assert_string_equal(first->valuestring, reason);
	else
		assert_null(first);
	cJSON_Delete(tree);
}

static void health_words(void **state)
{
	(void)state;
	expect_health(200, "healthy", NULL);
	stats.groups[0].attached = 4;
	STATS_SAY(stats.groups[0].reason, "no type \"x\"");
	expect_health(200, "degraded", "file: no type \"x\"");
	stats.groups[0].attached = 5;
	STATS_SAY(stats.server, "h: connect: refused");
	expect_health(200, "degraded", "server: h: connect: refused");
	stats.server[0] = '\0';
	STATS_SAY(stats.disk, "No space left on device");
	expect_health(200, "degraded", "buffer: No space left on device");
	STATS_SAY(stats.trouble, "no BTF");
	expect_health(503, "unhealthy", "recording: no BTF");
	stats.trouble[0] = stats.disk[0] = '\0';
	stats.seen_ns = 0;
	expect_health(503, "unhealthy", "recording: has not begun");
	stats.seen_ns = clock_monotonic_ns() - 11 * CLOCK_NS_PER_S;
	expect_health(503, "unhealthy", "recording: stands still");
}

static void health_components(void **state)
{
	cJSON *tree;

	(void)state;
	stats.has_server = true;
	stats.unsent = 12;
	stats.buffer.size = 250;
	health(&tree);
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(tree, "components"));
	assert_string_equal(
		text, "{\"ebpf\":{\"programs_attached\":5,\"programs_expected\":5,\"groups\":["
		      "{\"name\":\"file\",\"means\":\"fentry\",\"attached\":5,\"expected\":5}]},"
		      "\"server\":{\"last_successful_send\":null,\"buffered_events\":12},"
		      "\"buffer\":{\"size_bytes\":250,\"utilization_percent\":25}}");
	free(text);
	cJSON_Delete(tree);
}

/* ---- responder ---- */

static int page(void *arg, const char *path, struct buf *body, const char **ret_content_type)
{
	(void)arg;
	*ret_content_type = "text/x";
	if (strcmp(path, "/health") != 0)
		return 404;
	buf_add_str(body, "fine\n");
	return 503;
}

/* Some port that was free just now. */
static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	close(fd);
	return ntohs(a.sin_port);
}

static int dial(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void expect_reply(int port, const char *request, const char *reply)
{
	char bytes[4096];
	size_t len = 0;
	int fd = dial(port);

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	for (ssize_t n; (n = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0)) > 0;)
		len += (size_t)n;
	bytes[len] = '\0';
	assert_string_equal(bytes, reply);
	close(fd);
}

static void responder_answers(void **state)
{
	int ports[] = { free_port(), free_port() };
	struct responder *r = NULL;
	struct error e = ERROR_INIT;
	char junk[3000];

	(void)state;
	assert_int_equal(responder_start(ports, 2, page, NULL, &r, &e), 0);
	for (int i = 0; i < 2; i++)
		expect_reply(ports[i], "GET /health?x HTTP/1.1\r\nHost: h\r\n\r\n",
			     "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/x\r\n"
			     "Content-Length: 5\r\nConnection: close\r\n\r\nfine\n");
	expect_reply(ports[0], "GET /x HTTP/1.1\r\n\r\n",
		     "HTTP/1.1 404 Not Found\r\nContent-Type: text/x\r\n"
		     "Content-Length: 14\r\nConnection: close\r\n\r\n404 Not Found\n");
	expect_reply(ports[0], "POST /health HTTP/1.1\r\n\r\n",
		     "HTTP/1.1 405 Method Not Allowed\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n"
		     "Content-Length: 23\r\nConnection: close\r\n\r\n405 Method Not Allowed\n");
	/* Whoever holds connections open, or talks nonsense, keeps nobody out. */
	int held[40];
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		held[i] = dial(ports[0]);
		send(held[i], "GET /hea", 8, MSG_NOSIGNAL);
	}
	memset(junk, 'x', sizeof(junk));
	int fd = dial(ports[0]);
	send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
	expect_reply(ports[0], "GET /health HTTP/1.1\r\n\r\n",
		     "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/x\r\n"
		     "Content-Length: 5\r\nConnection: close\r\n\r\nfine\n");
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		close(held[i]);
	close(fd);
	struct responder *second = NULL;
	assert_int_equal(responder_start(ports, 1, page, NULL, &second, &e), -EADDRINUSE);
	responder_stop(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(metrics_page_keeps_rules),
		T(metrics_page_has_looms_names),
		T(histogram_counts_bounds_within),
		T(health_words),
		T(health_components),
		T(responder_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
