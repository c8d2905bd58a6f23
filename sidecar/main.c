/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit-sidecar: records what the weaver beside it does. Threads: main (probes, buffer, stdout),
 * http (/health, /metrics), sink (to Loom's server). docs/audit.md says what is recorded.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "k8s/base/log.h"
#include "sidecar/readers.h"
#include "sidecar/recorder.h"
#include "sidecar/responder.h"
#include "sidecar/settings.h"
#include "sidecar/sink_http.h"
#include "sidecar/stats.h"
#include "sidecar/tail.h"

/* Between attempts to begin recording: what hinders may be over at once, or stay. */
#define RETRY_MS 250
#define RETRY_MAX_MS 5000
/* The kubelet gives about two seconds after the weaver has ended. */
#define DRAIN_MS 300
#define SINK_MS 700
#define READERS_MS 400

struct sidecar {
	struct settings settings;
	struct stats stats;
	struct recorder *recorder;
	struct sink_http *sink;
	int signal_fd;
	char said[256]; /* the trouble that was logged last */
};

/* ---- pages ---- */

static int page(void *arg, const char *path, struct buf *body, const char **ret_content_type)
{
	struct stats *stats = arg;

	if (strcmp(path, "/health") == 0) {
		*ret_content_type = "application/json";
		return stats_page_health(stats, body);
	}
	if (strcmp(path, "/metrics") == 0) {
		*ret_content_type = "text/plain; version=0.0.4; charset=utf-8";
		stats_page_metrics(stats, body);
		return 200;
	}
	return 404;
}

/* ---- recording ---- */

/* Once for each text: a full disk would fill the log, too. */
static void say_trouble(struct sidecar *s, const char *text)
{
	if (strcmp(s->said, text) == 0)
		return;
	STATS_SAY(s->said, text);
	if (*text)
		log_write(LOG_LEVEL_ERROR, "%s", text);
	else
		log_write(LOG_LEVEL_INFO, "all is well again");
}

static void set_trouble(struct sidecar *s, const char *text)
{
	{
		lock_guard(&s->stats.lock);
		STATS_SAY(s->stats.trouble, text);
	}
	say_trouble(s, text);
}

static void log_groups(struct sidecar *s)
{
	struct stats *stats = &s->stats;

	for (unsigned i = 0; i < stats->group_count; i++) { /* this thread alone writes them */
		const struct stats_group *g = &stats->groups[i];

		log_write(g->attached < g->expected ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
			  "probes %s: %s, %u of %u%s%s", g->name, g->means, g->attached,
			  g->expected, g->reason[0] ? ": " : "", g->reason);
	}
}

/* true: a signal came. */
static bool wait_ms(struct sidecar *s, int fd, int ms)
{
	struct pollfd fds[] = { { .fd = s->signal_fd, .events = POLLIN },
				{ .fd = fd, .events = POLLIN } };

	poll(fds, 2, ms);
	return fds[0].revents;
}

/* Until recording has begun; false: a signal came before. */
static bool begin(struct sidecar *s)
{
	struct error e;

	for (int ms = RETRY_MS;; ms = ms * 2 < RETRY_MAX_MS ? ms * 2 : RETRY_MAX_MS) {
		e = (struct error)ERROR_INIT;
		if (recorder_new(&s->settings, &s->stats, &s->recorder, &e) == 0) {
			set_trouble(s, "");
			log_groups(s);
			return true;
		}
		set_trouble(s, e.text);
		if (wait_ms(s, -1, ms))
			return false;
	}
}

static void start_sink(struct sidecar *s)
{
	struct error e = ERROR_INIT;
	struct sink_http_options options = {
		.url = s->settings.server_url,
		.buffer = s->settings.buffer_path,
		.weaver_id = s->settings.weaver_id,
		.org_id = s->settings.org_id,
		.token_path = s->settings.token_path,
		.ca_path = s->settings.ca_path,
		.allow_insecure = s->settings.allow_insecure_http,
		.stats = &s->stats,
	};

	if (!*options.url || sink_http_start(&options, &s->sink, &e) == 0)
		return;
	log_write(LOG_LEVEL_ERROR, "%s; records stay in the buffer", e.text);
	lock_guard(&s->stats.lock);
	STATS_SAY(s->stats.server, e.text);
}

static void record(struct sidecar *s)
{
	int interval_ms = (int)s->settings.batch_interval_ms;

	while (!wait_ms(s, recorder_fd(s->recorder), interval_ms)) {
		struct error e = ERROR_INIT;
		int r = recorder_turn(s->recorder, &e);

		say_trouble(s, r < 0 ? e.text : "");
		if (r < 0)
			poll(NULL, 0,
			     interval_ms); /* a descriptor that stays ready must not spin */
	}
}

static void say_unsent(struct sidecar *s)
{
	char why[sizeof(s->stats.server)];
	uint64_t unsent;

	{
		lock_guard(&s->stats.lock);
		unsent = s->stats.unsent;
		STATS_SAY(why, s->stats.server);
	}
	if (unsent)
		log_write(LOG_LEVEL_WARNING, "ended with %llu records not taken by the server: %s",
			  (unsigned long long)unsent, why[0] ? why : "it did not answer in time");
}

static void end(struct sidecar *s)
{
	struct error e = ERROR_INIT;
	uint64_t end_byte = 0;

	recorder_drain(s->recorder, DRAIN_MS);
	sink_http_drain(s->sink, SINK_MS);
	if (recorder_end(s->recorder, &end_byte, &e) < 0)
		log_write(LOG_LEVEL_ERROR, "%s", e.text);
	sink_http_stop(s->sink);
	s->sink = NULL;
	unsigned behind = readers_wait(s->settings.buffer_path, end_byte, READERS_MS);
	if (behind)
		log_write(LOG_LEVEL_WARNING, "ended with %u readers of the buffer behind", behind);
	say_unsent(s);
	recorder_free(s->recorder);
}

static int open_signals(struct sidecar *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return s->signal_fd < 0 ? -errno : 0;
}

static int run(void)
{
	static struct sidecar s;
	struct responder *responder = NULL;
	struct error e = ERROR_INIT;

	log_init(&(struct log_options){ .program = "audit-sidecar", .level = LOG_LEVEL_INFO });
	int r = settings_load(&s.settings, &e);
	if (r == 0)
		log_init(&(struct log_options){ .program = "audit-sidecar",
						.level = s.settings.log_level });
	if (r == 0 && open_signals(&s) < 0)
		r = error_set(&e, errno, "signalfd: %s", strerror(errno));
	stats_init(&s.stats);
	if (r == 0) {
		int ports[] = { (int)s.settings.health_port, (int)s.settings.metrics_port };
		r = responder_start(ports, ARRAY_SIZE(ports), page, &s.stats, &responder, &e);
	}
	if (r < 0) {
		log_write(LOG_LEVEL_ERROR, "%s", e.text);
		return EXIT_FAILURE;
	}
	start_sink(&s);
	if (begin(&s)) {
		record(&s);
		end(&s);
	} else {
		sink_http_stop(s.sink);
	}
	responder_stop(responder);
	return EXIT_SUCCESS;
}

/* ---- command line ---- */

static int help(FILE *to)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	settings_help(&text);
	fprintf(to,
		"Usage: audit-sidecar                                    record, until SIGTERM\n"
		"       audit-sidecar tail [--after CURSOR] [--follow [--stdin]]  the record, from byte CURSOR\n"
		"       audit-sidecar --help | --version\n"
		"\n"
		"tail writes the stream's bytes and nothing else: after n bytes, CURSOR + n goes on.\n"
		"It exits with 3 when bytes from CURSOR on were dropped, with 4 when the stream ends\n"
		"before CURSOR; stderr says where to go on. With --stdin it ends when its input does,\n"
		"as that of an exec whose connection is lost.\n"
		"\n"
		"Environment (default):\n%s",
		buf_str(&text));
	return to == stderr ? 2 : 0;
}

/* The pipe of an exec's output stays when its connection goes, so a write may never return. */
static void *watch_input(void *arg)
{
	char bytes[4096];

	(void)arg;
	while (read(STDIN_FILENO, bytes, sizeof(bytes)) > 0)
		;
	_exit(EXIT_SUCCESS);
}

static bool start_watching_input(struct error *e)
{
	pthread_t thread;
	int code = pthread_create(&thread, NULL, watch_input, NULL);

	return code == 0 || error_set(e, code, "a thread: %s", strerror(code)) == 0;
}

static int tail(int argc, char **argv)
{
	struct tail_options o = { .dir = getenv("LOOM_AUDIT_BUFFER_PATH"),
				  .after = BUFFER_READER_OLDEST };
	bool ends_with_input = false;
	struct error e = ERROR_INIT;

	for (int i = 1; i < argc; i++) {
		char *stop = NULL;

		if (strcmp(argv[i], "--follow") == 0) {
			o.follow = true;
			continue;
		}
		if (strcmp(argv[i], "--stdin") == 0) {
			ends_with_input = true;
			continue;
		}
		if (strcmp(argv[i], "--after") != 0 || i + 1 == argc)
			return help(stderr);
		errno = 0;
		o.after = strtoull(argv[++i], &stop, 10);
		if (errno || stop == argv[i] || *stop || argv[i][0] == '-') {
			fprintf(stderr, "audit-sidecar tail: --after %s: no number of a byte\n",
				argv[i]);
			return 2;
		}
	}
	if (!o.dir || !*o.dir)
		o.dir = "/var/lib/audit";
	signal(SIGPIPE, SIG_IGN);
	if (ends_with_input && !start_watching_input(&e)) {
		fprintf(stderr, "audit-sidecar tail: %s\n", e.text);
		return 1;
	}
	int status = tail_run(&o, STDOUT_FILENO, &e);
	if (status)
		fprintf(stderr, "audit-sidecar tail: %s\n", e.text);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return run();
	if (strcmp(argv[1], "tail") == 0)
		return tail(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0) {
		puts("audit-sidecar " WEAVERFS_VERSION);
		return 0;
	}
	return help(strcmp(argv[1], "--help") == 0 ? stdout : stderr);
}
