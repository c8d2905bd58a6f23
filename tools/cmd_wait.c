/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver wait: the files wait/running, wait/done and wait/gone of several weavers at once, by
 * poll(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "tools/find.h"
#include "tools/options.h"

#define WAIT_MS_MAX 60000

enum { WAIT_FOR = 256 };

struct wait {
	const char *state;   /* running, done, gone */
	int64_t deadline_ns; /* 0: none */
	char **names;
	int n, left;
	struct pollfd *fds; /* -1: answered */
	int status;
};

static bool wait_take_state(const char *word, const char **ret)
{
	static const char *const words[][2] = {
		{ "running", "running" }, { "done", "done" }, { "finished", "done" },
		{ "completed", "done" },  { "gone", "gone" }, { "deleted", "gone" },
		{ "removed", "gone" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i][0], word) == 0)
			*ret = words[i][1];
	return *ret != NULL;
}

static int wait_open(const struct wait *w, const char *name, struct error *e)
{
	_cleanup_(buf_done) struct buf file = BUF_INIT;
	_cleanup_(cleanup_close) int dir = find_open(name, false, NULL, e);

	if (dir < 0)
		return dir;
	buf_printf(&file, "wait/%s", w->state);
	int fd = openat(dir, buf_str(&file), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "%s: %s: %s", name, buf_str(&file), strerror(errno))
		      : fd;
}

/* One line for each; with several, its name is before it. */
static void wait_answer(struct wait *w, int i)
{
	char line[64];
	ssize_t n = read(w->fds[i].fd, line, sizeof(line) - 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		printf("%s%s%s\n", w->n > 1 ? w->names[i] : "", w->n > 1 ? " " : "", line);
		fflush(stdout);
	} else {
		const char *why = n == 0               ? "it is gone"
				  : errno == EIO       ? "it has ended, or is gone, without"
				  : errno == ETIMEDOUT ? "not within ready_timeout_secs; it goes on"
						       : strerror(errno);
		complain_that("%s: %s: %s; weaver describe says more", w->names[i], w->state, why);
		w->status = CMD_EXIT_FAILED;
	}
	close(w->fds[i].fd);
	w->fds[i].fd = -1;
	w->left--;
}

/* False: the time is over. */
static bool wait_turn(struct wait *w)
{
	int64_t left_ms = WAIT_MS_MAX;

	if (w->deadline_ns)
		left_ms = (w->deadline_ns - clock_monotonic_ns() + CLOCK_NS_PER_MS - 1) /
			  CLOCK_NS_PER_MS;
	if (left_ms <= 0)
		return false;
	int n = poll(w->fds, (nfds_t)w->n, (int)(left_ms < WAIT_MS_MAX ? left_ms : WAIT_MS_MAX));
	for (int i = 0; n > 0 && i < w->n; i++)
		if (w->fds[i].fd >= 0 && w->fds[i].revents)
			wait_answer(w, i);
	return true;
}

static int wait_for_all(struct wait *w)
{
	w->fds = calloc((size_t)w->n, sizeof(*w->fds));
	if (!w->fds)
		return CMD_EXIT_FAILED;
	for (int i = 0; i < w->n; i++) {
		struct error e = ERROR_INIT;
		w->fds[i] =
			(struct pollfd){ .fd = wait_open(w, w->names[i], &e), .events = POLLIN };
		if (w->fds[i].fd < 0) {
			w->fds[i].fd = -1;
			w->status = complain_failed(&e);
		} else {
			w->left++;
			/* ready_timeout_secs count from the first read */
			wait_answer(w, i);
		}
	}
	while (w->left > 0 && wait_turn(w))
		;
	for (int i = 0; i < w->n; i++) {
		if (w->fds[i].fd < 0)
			continue;
		complain_that("%s: not %s in time", w->names[i], w->state);
		close(w->fds[i].fd);
		w->status = CMD_EXIT_TIMEOUT;
	}
	free(w->fds);
	return w->status;
}

static int cmd_wait_run(int argc, char **argv)
{
	struct wait w = { .state = "done" };
	struct options o;

	options_begin(&o, &cmd_wait_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		int64_t timeout_s;
		if (key == WAIT_FOR) {
			w.state = NULL;
			if (!wait_take_state(o.value, &w.state))
				return complain_usage(o.c, "wait: --for %s: running, done or gone",
						      o.value);
		} else if (key == 't' && options_duration(&o, "timeout", &timeout_s)) {
			w.deadline_ns = clock_monotonic_ns() + timeout_s * CLOCK_NS_PER_S;
		} else {
			return o.status;
		}
	}
	if (o.argc == 0)
		return complain_usage(o.c, "wait: for whom?");
	w.names = o.argv;
	w.n = o.argc;
	return wait_for_all(&w);
}

/* clang-format off */
static const struct cmd_option wait_options[] = {
	{ WAIT_FOR, "for", "STATE", "running done gone",
	  "running, done (its command has ended; the default) or gone" },
	{ 't', "timeout", "TIME", .help = "30s, 5m: at most so long, then exit status 124" },
	{ 0 },
};

const struct cmd cmd_wait_entry = {
	.name = "wait",
	.usage = "WEAVER…",
	.help = "wait until it runs, has ended or is gone",
	.more = "Prints running, the exit code of its command, or its last status; of several weavers with\n"
		"the name before it, in the order in which they come. The exit status is 0 whatever that\n"
		"code is, 1 for one that can no longer get there, 124 when the time is over.\n",
	.operands = CMD_WEAVERS,
	.options = wait_options,
	.run = cmd_wait_run,
};
/* clang-format on */
