/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's turn: jobs that were posted, timers that are due, curl's transfers, those that have
 * ended, then sleep in curl_multi_poll() until a socket, a timer or curl_multi_wakeup() from
 * loop_post(), then the descriptors of others that can be read. No callback of ours runs inside
 * curl_multi_perform(), where curl refuses to add and remove handles: curl's write callbacks only
 * collect (see request.c), so done(), fire() and run() may start and cancel whatever they like.
 *
 * curl_multi_poll() rather than epoll with curl_multi_socket_action(): a namespace has tens of
 * streams, not thousands, and this way curl alone knows its sockets and time-outs.
 */
#include "k8s/loop.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/base/lock.h"

/* 64 parallel calls, each weaver's log stream, the watches: all of them are kept for the next. */
#define LOOP_CONNECTIONS 256L
#define LOOP_SLEEP_MAX_MS 60000

struct loop {
	CURLM *multi;             /* owned; loop thread, but for curl_multi_wakeup() */
	struct list timers;       /* loop thread; earliest first */
	struct list fds;          /* loop thread; struct loop_fd */
	struct curl_waitfd *wait; /* loop thread; owned; room for all of fds */
	unsigned n_fds, cap_wait;
	bool performing; /* loop thread: inside curl_multi_perform() */
	pthread_t thread;
	bool started; /* the thread that starts and stops us */
	char name[16];

	struct lock lock; /* LOCK_QUEUE, guards what follows */
	struct list jobs;
	bool stop;
};

/* The loop whose thread this is. */
static _Thread_local const struct loop *loop_current;

/*
 * libcurl's memory: its buffers have held bearer tokens and bodies with secrets, so what it gives
 * back is wiped.
 */
static void loop_curl_free(void *block)
{
	if (block)
		explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

static void *loop_curl_realloc(void *block, size_t size)
{
	size_t old = block ? malloc_usable_size(block) : 0;

	if (block && size <= old)
		return block;
	void *bigger = malloc(size);
	if (bigger && block) {
		memcpy(bigger, block, old);
		loop_curl_free(block);
	}
	return bigger;
}

int loop_new(struct loop **ret, struct error *e)
{
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, loop_curl_free, loop_curl_realloc,
				 strdup, calloc) != CURLE_OK)
		return error_set(e, EIO, "libcurl cannot be initialised");

	struct loop *l = calloc(1, sizeof(*l));
	if (!l)
		return error_oom(e);
	l->multi = curl_multi_init();
	if (!l->multi) {
		free(l);
		return error_oom(e);
	}
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, LOOP_CONNECTIONS);
	list_init(&l->timers);
	list_init(&l->fds);
	list_init(&l->jobs);
	lock_init(&l->lock, LOCK_QUEUE);
	*ret = l;
	return 0;
}

static struct loop_job *loop_job_take(struct loop *l)
{
	lock_guard(&l->lock);
	if (list_empty(&l->jobs))
		return NULL;
	struct loop_job *job = list_entry(l->jobs.next, struct loop_job, node);
	list_remove(&job->node);
	return job;
}

/* Also those that the jobs post; the lock is not held while one runs. */
static void loop_run_jobs(struct loop *l)
{
	for (struct loop_job *job = loop_job_take(l); job; job = loop_job_take(l)) {
		lock_assert_none();
		job->run(job);
	}
}

/* What a fire() sets waits for the next turn, whatever its time: turns come to an end. */
static void loop_fire_timers(struct loop *l)
{
	struct list due = LIST_INIT(due);
	int64_t now_ns = clock_monotonic_ns();

	list_for_each(t, &l->timers, struct loop_timer, node) {
		if (t->at_ns > now_ns)
			break;
		list_remove(&t->node);
		list_push_back(&due, &t->node);
	}
	while (!list_empty(&due)) {
		struct loop_timer *t = list_entry(due.next, struct loop_timer, node);
		list_remove(&t->node);
		t->fire(t);
	}
}

static void loop_end_transfers(struct loop *l)
{
	int left;

	for (CURLMsg *m = curl_multi_info_read(l->multi, &left); m;
	     m = curl_multi_info_read(l->multi, &left)) {
		if (m->msg != CURLMSG_DONE)
			continue;
		/* m is curl's and dies with the removal. */
		CURL *easy = m->easy_handle;
		CURLcode result = m->data.result;
		char *private = NULL;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
		curl_multi_remove_handle(l->multi, easy);
		struct loop_transfer *t = (struct loop_transfer *)(void *)private;
		t->done(t, result);
	}
}

/* Rounded up: a poll that ends just before its timer would turn idly. */
static int loop_sleep_ms(struct loop *l)
{
	{
		lock_guard(&l->lock);
		if (!list_empty(&l->jobs) || l->stop)
			return 0;
	}
	if (list_empty(&l->timers))
		return LOOP_SLEEP_MAX_MS;
	int64_t ns =
		list_entry(l->timers.next, struct loop_timer, node)->at_ns - clock_monotonic_ns();
	if (ns <= 0)
		return 0;
	if (ns >= LOOP_SLEEP_MAX_MS * CLOCK_NS_PER_MS)
		return LOOP_SLEEP_MAX_MS;
	return (int)((ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

static void loop_sleep(struct loop *l)
{
	unsigned n = 0;

	list_for_each(f, &l->fds, struct loop_fd, node)
		l->wait[n++] = (struct curl_waitfd){ .fd = f->fd, .events = CURL_WAIT_POLLIN };
	curl_multi_poll(l->multi, l->wait, n, loop_sleep_ms(l), NULL);
	n = 0;
	list_for_each(f, &l->fds, struct loop_fd, node)
		f->readable = l->wait[n++].revents != 0;
}

static struct loop_fd *loop_fd_readable(struct loop *l)
{
	list_for_each(f, &l->fds, struct loop_fd, node)
		if (f->readable)
			return f;
	return NULL;
}

/* A ready() may unwatch any of them, so each is looked for anew. */
static void loop_read_fds(struct loop *l)
{
	for (struct loop_fd *f = loop_fd_readable(l); f; f = loop_fd_readable(l)) {
		f->readable = false;
		f->ready(f);
	}
}

static bool loop_stopping(struct loop *l)
{
	lock_guard(&l->lock);
	return l->stop;
}

static void *loop_thread(void *arg)
{
	struct loop *l = arg;
	int running;

	loop_current = l;
	pthread_setname_np(pthread_self(), l->name);
	while (!loop_stopping(l)) {
		loop_run_jobs(l);
		loop_fire_timers(l);
		l->performing = true;
		curl_multi_perform(l->multi, &running);
		l->performing = false;
		loop_end_transfers(l);
		loop_sleep(l);
		loop_read_fds(l);
	}
	loop_run_jobs(l);
	loop_current = NULL;
	return NULL;
}

int loop_start(struct loop *l, const char *name, struct error *e)
{
	sigset_t all, before;

	assert(!l->started && strlen(name) < sizeof(l->name));
	strcpy(l->name, name);
	/* The thread inherits the mask: no moment in which a signal could land in it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	l->started = true;
	int r = pthread_create(&l->thread, NULL, loop_thread, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		l->started = false;
		return error_set(e, r, "thread %s cannot be started: %s", name, strerror(r));
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	if (!l->started)
		return;
	assert(!loop_is_current(l));
	{
		lock_guard(&l->lock);
		l->stop = true;
	}
	curl_multi_wakeup(l->multi);
	pthread_join(l->thread, NULL);
	l->started = false;
}

/*
 * Ending a TLS connection writes to it, and a peer that is gone raises SIGPIPE. The loop's thread
 * blocks all signals; once it has ended, whoever tidies up may be a thread that would die of it.
 */
static void loop_block_sigpipe(sigset_t *before)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, before);
}

static void loop_unblock_sigpipe(const sigset_t *before)
{
	static const struct timespec at_once;
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!sigismember(before, SIGPIPE))
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

void loop_free(struct loop *l)
{
	sigset_t before;

	assert(!l->started);
	/* Posted after the thread had ended: their owners wait for them all the same. */
	loop_run_jobs(l);
	loop_block_sigpipe(&before);
	curl_multi_cleanup(l->multi);
	loop_unblock_sigpipe(&before);
	lock_done(&l->lock);
	free(l->wait);
	free(l);
}

void loop_post(struct loop *l, struct loop_job *job)
{
	bool wake;
	{
		lock_guard(&l->lock);
		wake = list_empty(&l->jobs);
		list_push_back(&l->jobs, &job->node);
	}
	if (wake)
		curl_multi_wakeup(l->multi);
}

bool loop_is_current(const struct loop *l)
{
	return loop_current == l;
}

/* The state of the loop thread may be touched: by it, or while there is none. */
static void loop_assert_mine(const struct loop *l)
{
	assert(loop_is_current(l) || !l->started);
	(void)l;
}

void loop_timer_init(struct loop_timer *t, void (*fire)(struct loop_timer *t))
{
	list_init(&t->node);
	t->at_ns = 0;
	t->fire = fire;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ns)
{
	loop_assert_mine(l);
	list_remove(&t->node);
	t->at_ns = at_ns;
	/* From the back: a new deadline is mostly the last one. Equal times keep their order. */
	struct list *after = l->timers.prev;
	while (after != &l->timers && list_entry(after, struct loop_timer, node)->at_ns > at_ns)
		after = after->prev;
	list_insert(&t->node, after);
}

void loop_timer_cancel(struct loop_timer *t)
{
	list_remove(&t->node);
}

void loop_fd_init(struct loop_fd *f, void (*ready)(struct loop_fd *f))
{
	*f = (struct loop_fd){ .fd = -1, .ready = ready };
	list_init(&f->node);
}

int loop_fd_watch(struct loop *l, struct loop_fd *f, int fd)
{
	loop_assert_mine(l);
	assert(list_empty(&f->node));
	if (l->n_fds == l->cap_wait) {
		unsigned cap = l->cap_wait ? 2 * l->cap_wait : 4;
		struct curl_waitfd *wait = realloc(l->wait, cap * sizeof(*wait));
		if (!wait)
			return -ENOMEM;
		l->wait = wait;
		l->cap_wait = cap;
	}
	f->fd = fd;
	f->readable = false;
	list_push_back(&l->fds, &f->node);
	l->n_fds++;
	return 0;
}

void loop_fd_unwatch(struct loop *l, struct loop_fd *f)
{
	loop_assert_mine(l);
	if (list_empty(&f->node))
		return;
	list_remove(&f->node);
	f->fd = -1;
	l->n_fds--;
}

int loop_transfer_start(struct loop *l, struct loop_transfer *t, struct error *e)
{
	loop_assert_mine(l);
	assert(!l->performing);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	CURLMcode code = curl_multi_add_handle(l->multi, t->easy);
	if (code == CURLM_OUT_OF_MEMORY)
		return error_oom(e);
	if (code != CURLM_OK)
		return error_set(e, EIO, "transfer cannot be started: %s",
				 curl_multi_strerror(code));
	return 0;
}

void loop_transfer_cancel(struct loop *l, struct loop_transfer *t)
{
	sigset_t before;

	loop_assert_mine(l);
	assert(!l->performing);
	loop_block_sigpipe(&before);
	/* Takes a result that waits in info_read with it. */
	curl_multi_remove_handle(l->multi, t->easy);
	loop_unblock_sigpipe(&before);
}
