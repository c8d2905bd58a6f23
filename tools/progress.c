/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Woken by wait/running and follow/events, and on a terminal ten times a second for the clock: the
 * files are looked at only when something has happened.
 */
#include "tools/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "tools/text.h"
#include "tools/value.h"

#define PROGRESS_TICK_MS 100
#define PROGRESS_SETTLE_MS 300

enum progress_phase { PROGRESS_SCHEDULING, PROGRESS_PULLING, PROGRESS_STARTING, PROGRESS_PHASES };

static const char *const progress_words[] = { "scheduling", "pulling", "starting" };

struct progress {
	int dir;
	const char *name;
	bool terminal, coloured;
	enum progress_phase phase;
	int64_t began_ns, phase_ns, spent_ns[PROGRESS_PHASES];
	char reason[256];
	unsigned ticks;
};

/* ---- what it is doing ---- */

static unsigned progress_count(const char *events, const char *reason)
{
	unsigned n = 0;

	for (const char *line = events; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *tab = strchr(line, '\t');
		tab = tab ? strchr(tab + 1, '\t') : NULL;
		n += tab && strncmp(tab + 1, reason, strlen(reason)) == 0 &&
		     tab[1 + strlen(reason)] == '\t';
	}
	return n;
}

static enum progress_phase progress_look(int dir)
{
	_cleanup_(buf_done) struct buf events = BUF_INIT;
	char node[64];

	value_get(dir, "node", node, sizeof(node));
	if (!node[0])
		return PROGRESS_SCHEDULING;
	value_read(dir, "events", &events, NULL);
	return progress_count(buf_str(&events), "Pulling") >
			       progress_count(buf_str(&events), "Pulled")
		       ? PROGRESS_PULLING
		       : PROGRESS_STARTING;
}

static void progress_update(struct progress *p)
{
	int64_t now_ns = clock_monotonic_ns();
	enum progress_phase phase = progress_look(p->dir);

	p->spent_ns[p->phase] += now_ns - p->phase_ns;
	p->phase_ns = now_ns;
	p->phase = phase;
	value_get(p->dir, "reason", p->reason, sizeof(p->reason));
}

/* Words that nothing mends but a change of the weaver, of a secret or of a registry. */
static bool progress_stuck(const struct progress *p)
{
	static const char *const words[] = {
		"ErrImagePull:",
		"ImagePullBackOff:",
		"InvalidImageName:",
		"ErrImageNeverPull:",
		"StartError:",
		"RunContainerError:",
		"CreateContainerConfigError:",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(p->reason, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* ---- how it looks ---- */

static double progress_seconds(int64_t ns)
{
	return (double)ns / (double)CLOCK_NS_PER_S;
}

static void progress_draw(struct progress *p)
{
	static const char *const spinner[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };

	if (!p->terminal)
		return;
	fprintf(stderr, "\r\033[K%s%s%s %s: %s, %.1f s", text_status_colour(p->coloured, "pending"),
		spinner[p->ticks++ % ARRAY_SIZE(spinner)], text_plain(p->coloured), p->name,
		progress_words[p->phase], progress_seconds(clock_monotonic_ns() - p->began_ns));
	if (p->reason[0])
		fprintf(stderr, " (%.48s)", p->reason);
}

static void progress_clear(const struct progress *p)
{
	if (p->terminal)
		fputs("\r\033[K", stderr);
}

static void progress_done(struct progress *p, const char *status)
{
	progress_update(p);
	progress_clear(p);
	if (!p->terminal)
		return;
	fprintf(stderr,
		"%s✓%s %s: %s after %.1f s (scheduling %.1f, pulling %.1f, starting %.1f)\n",
		text_status_colour(p->coloured, "running"), text_plain(p->coloured), p->name,
		status, progress_seconds(clock_monotonic_ns() - p->began_ns),
		progress_seconds(p->spent_ns[PROGRESS_SCHEDULING]),
		progress_seconds(p->spent_ns[PROGRESS_PULLING]),
		progress_seconds(p->spent_ns[PROGRESS_STARTING]));
}

static int progress_failed(const struct progress *p, int code, const char *what, struct error *e)
{
	progress_clear(p);
	return error_set(e, code, "%s: %s", p->name, what);
}

/* ---- the wait ---- */

/* What ends as soon as it has begun is told from what runs. */
static void progress_settle(const struct progress *p)
{
	_cleanup_(cleanup_close) int done =
		openat(p->dir, "wait/done", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	poll(&(struct pollfd){ .fd = done, .events = POLLIN }, done >= 0, PROGRESS_SETTLE_MS);
}

static int progress_end(struct progress *p, const char *word, struct error *e)
{
	char status[16];

	progress_settle(p);
	value_get(p->dir, "status", status, sizeof(status));
	if (strcmp(status, "failed") == 0)
		return progress_failed(p, EIO, "it has failed", e);
	progress_done(p, status[0] ? status : word);
	return 0;
}

/* 1: go on. */
static int progress_read_ready(struct progress *p, int fd, struct error *e)
{
	char word[32] = "";
	ssize_t n = read(fd, word, sizeof(word) - 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n < 0 && errno == ETIMEDOUT)
		return progress_failed(
			p, ETIMEDOUT,
			"it does not run yet, and ready_timeout_secs are over; it goes on", e);
	if (n < 0 && errno == EIO)
		return progress_end(p, "done", e);
	if (n <= 0)
		return progress_failed(p, n < 0 ? errno : ENOENT, "it is gone", e);
	word[strcspn(word, "\n")] = '\0';
	return progress_end(p, word, e);
}

static void progress_drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static int progress_turn(struct progress *p, int ready, int events, struct error *e)
{
	struct pollfd fds[] = { { .fd = ready, .events = POLLIN },
				{ .fd = events, .events = POLLIN } };

	progress_draw(p);
	if (poll(fds, ARRAY_SIZE(fds), p->terminal ? PROGRESS_TICK_MS : -1) < 0)
		return errno == EINTR ? 1 : error_set(e, errno, "poll: %s", strerror(errno));
	if (fds[0].revents) {
		int r = progress_read_ready(p, ready, e);
		if (r <= 0)
			return r;
	}
	if (!fds[1].revents)
		return 1;
	progress_drain(events);
	progress_update(p);
	if (progress_stuck(p))
		return progress_failed(p, EIO, "it cannot start as it is", e);
	return 1;
}

int progress_wait(int dir, const char *name, struct error *e)
{
	struct progress p = { .dir = dir,
			      .name = name,
			      .terminal = isatty(STDERR_FILENO),
			      .coloured = text_coloured(STDERR_FILENO),
			      .began_ns = clock_monotonic_ns(),
			      .phase_ns = clock_monotonic_ns() };
	_cleanup_(cleanup_close) int ready =
		openat(dir, "wait/running", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_(cleanup_close) int events =
		openat(dir, "follow/events", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (ready < 0 || events < 0)
		return error_set(e, errno, "%s: cannot be followed: %s", name, strerror(errno));
	/* ready_timeout_secs count from the first read */
	r = progress_read_ready(&p, ready, e);
	while (r > 0)
		r = progress_turn(&p, ready, events, e);
	return r;
}
