/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/pipeline.c: floods add up, the chain holds, restarts say when nobody looked. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <openssl/sha.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/buffer_reader.h"
#include "sidecar/chain.h"
#include "sidecar/pipeline.h"
#include "sidecar/settings.h"
#include "sidecar/tally.h"
#include "tests/unit/audit_fixture.h"

#define CPUS 3

static char dir[32];
static struct settings settings;
static struct stats stats;
static union audit_event record;
static uint64_t produced[CPUS][RING_COUNT], lost[CPUS][RING_COUNT];
static const struct report_scope scope = { .pod_cgroup = 7, .level = 3, .pod = "pod1" };

static int setup(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	strcpy(dir, "/tmp/audit_pipe.XXXXXX");
	audit_directory(dir);
	setenv("LOOM_AUDIT_BUFFER_PATH", dir, 1);
	setenv("LOOM_AUDIT_BUFFER_MAX_BYTES", "64Mi", 1);
	setenv("LOOM_AUDIT_STDOUT_BYTES", "0", 1);
	setenv("LOOM_WEAVER_ID", "w-1", 1);
	if (settings_load(&settings, &e) < 0)
		fail_msg("%s", e.text);
	stats_init(&stats);
	memset(produced, 0, sizeof(produced));
	memset(lost, 0, sizeof(lost));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stats_done(&stats);
	audit_remove(dir);
	return 0;
}

static struct pipeline *begin(void)
{
	struct pipeline *p = NULL;
	struct error e = ERROR_INIT;

	if (pipeline_new(&settings, &stats, STDOUT_FILENO, &p, &e) < 0)
		fail_msg("%s", e.text);
	pipeline_begin(p, &scope, clock_realtime_ns());
	return p;
}

/* One record of the probes; lose: it finds no room, so that its number is missing. */
static void produce(struct pipeline *p, unsigned cpu, unsigned type, bool lose)
{
	struct event *ev = audit_make(&record, type, 0);

	ev->cpu = (uint16_t)cpu;
	ev->seq = produced[cpu][ev->ring]++;
	if (lose)
		lost[cpu][ev->ring]++;
	else
		pipeline_event(ev, p);
}

static void tell_lost(struct pipeline *p, unsigned cpu, unsigned ring, unsigned type,
		      uint64_t count)
{
	struct event *ev = audit_make(&record, EVENT_LOST, 0);

	ev->cpu = (uint16_t)cpu;
	ev->ring = (uint8_t)ring;
	ev->lost.kind = type;
	ev->lost.count = count;
	pipeline_event(ev, p);
}

static void turn(struct pipeline *p)
{
	struct error e = ERROR_INIT;

	if (pipeline_turn(p, clock_realtime_ns(), NULL, &e) < 0)
		fail_msg("%s", e.text);
}

static void end(struct pipeline *p)
{
	assert_int_equal(pipeline_end(p, clock_realtime_ns(), NULL, NULL), 0);
	pipeline_free(p);
}

static void read_stream(struct buf *out)
{
	struct buffer_reader *r = NULL;
	struct buffer_chunk chunk;
	int n;

	assert_int_equal(buffer_reader_open(dir, BUFFER_READER_OLDEST, &r, NULL), 0);
	while ((n = buffer_reader_next(r, &chunk, NULL)) > 0)
		buf_add(out, chunk.lines, chunk.len);
	assert_int_equal(n, 0);
	buffer_reader_close(r);
}

/*
 * A second reading of chain.h, by other means: every batch's hash, number, count of lines, offset.
 */
static unsigned check_chain(const char *text, size_t len, char last[65])
{
	const char *at = text, *line = text, *newline;
	unsigned batches = 0, lines = 0;
	uint64_t before = 0;

	for (; (newline = memchr(line, '\n', (size_t)(text + len - line))); line = newline + 1) {
		lines++;
		if (!memmem(line, (size_t)(newline - line), "\"audit_batch\"", 13))
			continue;
		const char *mark = memmem(line, (size_t)(newline - line), ",\"hash\":\"", 9);
		unsigned char digest[32];
		char hex[65];
		_cleanup_(buf_done) struct buf all = BUF_INIT;
		cJSON *tree = cJSON_ParseWithLength(line, (size_t)(newline - line));
		const cJSON *d = cJSON_GetObjectItem(tree, "details");

		buf_add(&all, last, 64);
		buf_add(&all, at, (size_t)(mark - at));
		SHA256((unsigned char *)all.data, all.len, digest);
		for (int i = 0; i < 32; i++)
			sprintf(hex + 2 * i, "%02x", digest[i]);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(d, "hash")), hex);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(d, "prev")), last);
		assert_true(cJSON_GetObjectItem(d, "lines")->valuedouble == lines);
		assert_true(cJSON_GetObjectItem(d, "batch")->valuedouble == before + 1 || !before);
		assert_true(cJSON_GetObjectItem(d, "offset")->valuedouble == at - text);
		before = (uint64_t)cJSON_GetObjectItem(d, "batch")->valuedouble;
		cJSON_Delete(tree);
		memcpy(last, hex, 65);
		at = newline + 1;
		lines = 0;
		batches++;
	}
	assert_ptr_equal(at, text + len); /* the stream ends with the end of a batch */
	return batches;
}

static void zeros(char hash[65])
{
	memset(hash, '0', 64);
	hash[64] = '\0';
}

/* The last sums of each (cpu, ring) that a batch carries: next, listed, filtered, missing. */
static void last_sums(const char *text, uint64_t sums[CPUS][RING_COUNT][4])
{
	for (const char *at = text; (at = strstr(at, "\"rings\":[")); at++) {
		cJSON *rows = cJSON_ParseWithOpts(at + 8, NULL, false);
		const cJSON *row;

		cJSON_ArrayForEach(row, rows) {
			unsigned cpu = (unsigned)cJSON_GetArrayItem(row, 0)->valueint;
			unsigned ring = (unsigned)cJSON_GetArrayItem(row, 1)->valueint;
			for (int i = 0; i < 4; i++)
				sums[cpu][ring][i] =
					(uint64_t)cJSON_GetArrayItem(row, i + 2)->valuedouble;
		}
		cJSON_Delete(rows);
	}
}

static void pipeline_flood_adds_up_for_each_cpu_and_ring(void **state)
{
	static const unsigned types[] = { EVENT_FILE_OPEN, EVENT_FILE_WRITE, EVENT_EXEC,
					  EVENT_ESCAPE,    EVENT_CONNECT,    EVENT_EXIT };
	uint64_t listed[CPUS][RING_COUNT] = { 0 }, sums[CPUS][RING_COUNT][4] = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct pipeline *p = begin();
	char hash[65];

	(void)state;
	for (unsigned i = 0; i < 60000; i++) {
		unsigned type = types[i % ARRAY_SIZE(types)];
		bool critical = audit_rings[type] == RING_CRITICAL;

		produce(p, i % CPUS, type, !critical && i % 1000 >= 900);
		if (i % 997 == 0)
			turn(p);
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		tell_lost(p, cpu, RING_NORMAL, EVENT_FILE_OPEN, lost[cpu][RING_NORMAL]);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) /* so that the last losses are seen as holes */
		produce(p, cpu, EVENT_FILE_OPEN, false);
	end(p);

	read_stream(&text);
	zeros(hash);
	assert_true(check_chain(text.data, text.len, hash) > 50);
	for (const char *line = text.data, *newline; (newline = strchr(line, '\n'));
	     line = newline + 1) {
		struct tally_row row;
		uint64_t seq;

		if (tally_parse(line, (size_t)(newline - line), &row, &seq))
			listed[row.cpu][row.ring]++;
	}
	last_sums(text.data, sums);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		for (unsigned ring = 0; ring < RING_COUNT; ring++) {
			assert_int_equal(sums[cpu][ring][0], produced[cpu][ring]);
			assert_int_equal(sums[cpu][ring][1], listed[cpu][ring]);
			assert_int_equal(sums[cpu][ring][2], 0);
			assert_int_equal(sums[cpu][ring][3], lost[cpu][ring]);
			assert_int_equal(listed[cpu][ring] + lost[cpu][ring], produced[cpu][ring]);
		}
		assert_int_equal(lost[cpu][RING_CRITICAL], 0);
		assert_true(lost[cpu][RING_NORMAL] > 0);
	}
	lock_guard(&stats.lock);
	assert_int_equal(stats.dropped[STATS_DROP_RING], lost[0][0] + lost[1][0] + lost[2][0]);
	assert_int_equal(stats.in_flight, 0);
}

static void pipeline_filtered_is_counted_not_listed(void **state)
{
	uint64_t sums[CPUS][RING_COUNT][4] = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct pipeline *p = begin();

	(void)state;
	for (int i = 0; i < 25; i++) {
		struct event *ev = audit_make(&record, EVENT_FILE_READ, produced[0][0]++);

		audit_text(&record, 0, "/workspace/x", 12);
		pipeline_event(ev, p);
	}
	audit_make(&record, EVENT_FILE_OPEN, produced[0][0]++);
	audit_text(&record, 0, "/usr/lib/libc.so.6", 18);
	pipeline_event(&record.ev, p);
	audit_make(&record, EVENT_ESCAPE, produced[0][1]++);
	record.ev.flags |= EVENT_SETUP;
	pipeline_event(&record.ev, p);
	end(p);
	read_stream(&text);
	last_sums(text.data, sums);
	assert_int_equal(sums[0][0][1], 3); /* 1st, 11th, 21st of the reads */
	assert_int_equal(sums[0][0][2], 23);
	assert_int_equal(sums[0][1][2], 1);
	assert_non_null(strstr(text.data, "\"sample\":10}"));
	assert_non_null(strstr(text.data, "\"filter/sampled\":22"));
	assert_non_null(strstr(text.data, "\"filter/runtime_setup\":1"));
	assert_null(strstr(text.data, "sandbox_escape\",\"seq"));
}

static double gap_member(const char *text, const char *key)
{
	const char *line = strstr(text, "\"event_type\":\"audit_gap\"");

	assert_non_null(line);
	while (line > text && line[-1] != '\n')
		line--;
	cJSON *tree = cJSON_ParseWithOpts(line, NULL, false);
	double value = cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "details"), key)->valuedouble;
	cJSON_Delete(tree);
	return value;
}

/*
 * Killed while a batch is open: the gap is from the last turn to the new probes, the chain goes
 * on.
 */
static void pipeline_killed_goes_on_with_gap_and_chain(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char hash[65];
	int fds[2], status;
	int64_t last_ns = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct pipeline *p = begin();

		for (;;) {
			for (int i = 0; i < 40; i++)
				produce(p, 0, EVENT_FILE_OPEN, false);
			int64_t now_ns = clock_realtime_ns();
			if (pipeline_turn(p, now_ns, NULL, NULL) < 0 ||
			    write(fds[1], &now_ns, sizeof(now_ns)) < 0)
				_exit(1);
		}
	}
	close(fds[1]);
	for (int i = 0; i < 200; i++)
		assert_int_equal(read(fds[0], &last_ns, sizeof(last_ns)), sizeof(last_ns));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	for (int64_t ns; read(fds[0], &ns, sizeof(ns)) == (ssize_t)sizeof(ns);)
		last_ns = ns;
	close(fds[0]);

	int64_t before_ns = clock_realtime_ns();
	struct pipeline *p = begin();
	int64_t after_ns = clock_realtime_ns();
	produce(p, 0, EVENT_EXEC, false);
	end(p);
	read_stream(&text);
	zeros(hash);
	check_chain(text.data, text.len, hash);
	/* It may have been killed between the mark and the telling: then one turn later. */
	assert_true(gap_member(text.data, "from") >= (double)last_ns);
	assert_true(gap_member(text.data, "from") <= (double)before_ns);
	assert_true(gap_member(text.data, "to") >= (double)before_ns);
	assert_true(gap_member(text.data, "to") <= (double)after_ns);
	assert_true(gap_member(text.data, "run") == 2);
	assert_non_null(strstr(text.data, "\"reason\":\"killed\""));
	assert_non_null(strstr(text.data, "\"end\":true"));
}

static void pipeline_stopped_says_so_after_restart(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	(void)state;
	end(begin());
	end(begin());
	read_stream(&text);
	assert_non_null(strstr(text.data, "\"run\":2,\"reason\":\"stopped\""));
}

static void pipeline_full_buffer_tells_what_it_dropped(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	uint64_t told = 0;

	(void)state;
	settings.buffer_max_bytes = 1 << 20;
	struct pipeline *p = begin();
	for (unsigned i = 0; i < 12000; i++) {
		produce(p, 0, EVENT_FILE_OPEN, false);
		if (i % 50 == 0)
			turn(p);
	}
	turn(p); /* what the turn before has dropped is told in this one */
	end(p);
	read_stream(&text);
	assert_true(text.len < 1 << 20);
	char hash[65];
	cJSON *first = cJSON_ParseWithOpts(strstr(text.data, "\"prev\":") + 7, NULL, false);
	strcpy(hash, first->valuestring);
	cJSON_Delete(first);
	/* Lines in the buffer and lines told as dropped are all lines there were. */
	uint64_t listed = 0;
	for (const char *line = text.data, *newline; (newline = strchr(line, '\n'));
	     line = newline + 1) {
		struct tally_row row;
		uint64_t seq;

		listed += tally_parse(line, (size_t)(newline - line), &row, &seq);
	}
	for (const char *at = text.data;
	     (at = strstr(at, "\"stage\":\"buffer\",\"reason\":\"oldest\",\"kind\":\"file_open\""));
	     at++)
		told += strtoull(strstr(at, "\"count\":") + 8, NULL, 10);
	assert_true(told > 0);
	lock_guard(&stats.lock);
	/* Those told first have been dropped themselves: the counter has them all. */
	assert_true(stats.dropped[STATS_DROP_OLDEST] >= told);
	assert_true(listed < 12000 && listed > 1000);
}

static void pipeline_full_disk_counts_what_it_lets_go(void **state)
{
	uint64_t sums[CPUS][RING_COUNT][4] = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char path[64], hash[65];
	static char block[4096];

	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", dir, "tmpfs", 0, "size=4m") < 0)
		skip();
	settings.buffer_max_bytes = 4 << 20; /* a megabyte may wait in memory */
	struct pipeline *p = begin();
	produce(p, 0, EVENT_FILE_OPEN, false);
	turn(p);
	snprintf(path, sizeof(path), "%s/other", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	for (unsigned i = 0; i < 8000; i++)
		produce(p, 0, i % 2 ? EVENT_FILE_OPEN : EVENT_EXEC, false);
	assert_int_equal(pipeline_turn(p, clock_realtime_ns(), NULL, NULL), -ENOSPC);
	assert_true(stats.disk[0]);
	assert_int_equal(ftruncate(fd, 0), 0);
	turn(p);
	assert_false(stats.disk[0]);
	end(p);
	read_stream(&text);
	zeros(hash);
	check_chain(text.data, text.len, hash);
	last_sums(text.data, sums);
	uint64_t told[RING_COUNT] = { 0 };
	for (const char *at = text.data;
	     (at = strstr(at, "\"stage\":\"buffer\",\"reason\":\"disk\"")); at++) {
		const char *end_of_line = strchr(at, '\n');
		const char *ring = memmem(at, (size_t)(end_of_line - at), "\"ring\":", 7);

		if (ring) /* the sidecar's own records have none */
			told[strtoul(ring + 7, NULL, 10)] +=
				strtoull(strstr(at, "\"count\":") + 8, NULL, 10);
	}
	for (unsigned ring = 0; ring < RING_COUNT; ring++) {
		assert_true(told[ring] > 0);
		assert_int_equal(sums[0][ring][3], told[ring]);
		assert_int_equal(sums[0][ring][1] + told[ring], produced[0][ring]);
	}
	close(fd);
	umount(dir);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pipeline_flood_adds_up_for_each_cpu_and_ring),
		T(pipeline_filtered_is_counted_not_listed),
		T(pipeline_killed_goes_on_with_gap_and_chain),
		T(pipeline_stopped_says_so_after_restart),
		T(pipeline_full_buffer_tells_what_it_dropped),
		T(pipeline_full_disk_counts_what_it_lets_go), /* leaves the mount namespace */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
