/* SPDX-License-Identifier: Apache-2.0 */
/* See top_usage.h. Two pipes and no shared field: a question is an id, an answer one struct. */
#include "tools/top_usage.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "tools/value.h"

#define TOP_METRIC "loom_weaver_audit_events_captured_total"

struct top_fetcher {
	char *mount;
	int questions[2], answers[2];
	pthread_t thread;
};

static int64_t top_usage_number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

/* The sum over all kinds of events. */
static int64_t top_usage_events(const char *text)
{
	int64_t sum = -1;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		size_t len = strcspn(line, "\n");
		const char *last = memrchr(line, ' ', len);
		if (last && strncmp(line, TOP_METRIC, strlen(TOP_METRIC)) == 0)
			sum = (sum < 0 ? 0 : sum) + (int64_t)strtod(last, NULL);
	}
	return sum;
}

void top_usage_read(const char *mount, const char *id, struct top_usage *ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, usage = BUF_INIT, metrics = BUF_INIT;

	*ret = (struct top_usage){ -1, -1, -1 };
	buf_printf(&path, "%s/%s", mount, id);
	_cleanup_(cleanup_close) int dir = open(buf_str(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (value_read(dir, "usage", &usage, NULL) == 0) {
		ret->cpu_milli = top_usage_number(buf_str(&usage), "cpu_millicores=");
		ret->memory = top_usage_number(buf_str(&usage), "memory_bytes=");
	}
	/* without a sidecar there is no such file */
	if (value_read(dir, "metrics", &metrics, NULL) == 0)
		ret->events = top_usage_events(buf_str(&metrics));
}

static void *top_usage_run(void *data)
{
	struct top_fetcher *f = data;
	struct top_answer a = { 0 };

	while (read(f->questions[0], a.id, sizeof(a.id)) == sizeof(a.id)) {
		top_usage_read(f->mount, a.id, &a.usage);
		if (write(f->answers[1], &a, sizeof(a)) < 0)
			break;
	}
	return NULL;
}

static void top_usage_free(struct top_fetcher *f)
{
	cleanup_close(&f->questions[0]);
	cleanup_close(&f->questions[1]);
	cleanup_close(&f->answers[0]);
	cleanup_close(&f->answers[1]);
	free(f->mount);
	free(f);
}

int top_usage_start(const char *mount, struct top_fetcher **ret, struct error *e)
{
	struct top_fetcher *f = malloc(sizeof(*f));

	if (!f)
		return error_oom(e);
	*f = (struct top_fetcher){ strdup(mount), { -1, -1 }, { -1, -1 }, 0 };
	sigset_t all, before;

	/* signals are the main thread's, which puts the terminal in order first */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int code = !f->mount || pipe2(f->questions, O_CLOEXEC) < 0 ||
				   pipe2(f->answers, O_CLOEXEC | O_NONBLOCK) < 0
			   ? errno
			   : pthread_create(&f->thread, NULL, top_usage_run, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code != 0) {
		top_usage_free(f);
		return error_set(e, code, "no thread for usage: %s", strerror(code));
	}
	pthread_setname_np(f->thread, "usage");
	*ret = f;
	return 0;
}

void top_usage_ask(struct top_fetcher *f, const char *id)
{
	char question[sizeof(((struct top_answer *)0)->id)] = "";

	memcpy(question, id, strnlen(id, sizeof(question) - 1));
	if (write(f->questions[1], question, sizeof(question)) < 0)
		return; /* the thread has ended with its pipe: nothing is measured any more */
}

int top_usage_fd(const struct top_fetcher *f)
{
	return f->answers[0];
}

bool top_usage_answer(struct top_fetcher *f, struct top_answer *ret)
{
	return read(f->answers[0], ret, sizeof(*ret)) == sizeof(*ret);
}

/* Waits for what is being fetched: 2 s a file at most. */
void top_usage_stop(struct top_fetcher *f)
{
	close(f->questions[1]);
	f->questions[1] = -1;
	pthread_join(f->thread, NULL);
	top_usage_free(f);
}
