/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service thread. libwebsockets waits with poll(2) for its own connections; our descriptors
 * are in an epoll set that it watches as one of them, since its raw sockets know no half-close.
 * From other threads nothing of it may be called but lws_cancel_service().
 */
#include "k8s/ws.h"

#include <assert.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "k8s/base/log.h"
#include "k8s/ws_private.h"

/* Connections and the few of its own; libwebsockets' default is the limit of the process. */
#define WS_FDS 4096
#define WS_EVENTS_PER_TURN 64
/* A frame of the kubelet has 32,769 bytes at most; the request may hold a token of kilobytes. */
#define WS_RX_SIZE (33U << 10)
#define WS_BUFFER_SIZE (64U << 10)

/* The ws whose thread this is. */
static _Thread_local const struct ws *ws_current;

/*
 * One event at a time: ready() may free any other ws_fd, and an event fetched earlier would then
 * point at freed memory.
 */
static void ws_drain_epoll(const struct ws *w)
{
	struct epoll_event event;

	for (int i = 0; i < WS_EVENTS_PER_TURN && epoll_wait(w->epoll, &event, 1, 0) == 1; i++) {
		struct ws_fd *f = event.data.ptr;
		lock_assert_none();
		f->ready(f, event.events);
	}
}

static int ws_home_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
			    size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RAW_RX_FILE:
		ws_drain_epoll(lws_context_user(lws_get_context(wsi)));
		return 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION: {
		const struct ws_route *route = lws_get_vhost_user(lws_get_vhost(wsi));
		if (route->address.insecure)
			X509_STORE_CTX_set_error(user, X509_V_OK);
		return 0;
	}
	default:
		return ws_connection_callback(wsi, reason, in, len);
	}
}

/* One for all: which of Kubernetes' own the server has chosen is for ws_connection.c. */
const struct lws_protocols ws_protocols[] = {
	{ "weaverfs", ws_home_callback, 0, WS_RX_SIZE, 0, NULL, 0 },
	{ NULL, NULL, 0, 0, 0, NULL, 0 },
};

static void ws_log(int level, const char *line)
{
	(void)level;
	log_write(LOG_LEVEL_DEBUG, "libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

static int ws_make_context(struct ws *w, struct error *e)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.fd_limit_per_thread = WS_FDS,
		.max_http_header_data2 = 16U << 10,
		.max_http_header_pool2 = 256,
		.pt_serv_buf_size = WS_BUFFER_SIZE,
		.user = w,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, ws_log);
	w->context = lws_create_context(&info);
	if (!w->context)
		return error_set(e, EIO, "libwebsockets cannot be initialised");
	info.user = NULL;
	info.protocols = ws_protocols;
	info.vhost_name = "home";
	info.http_proxy_address = "";
	w->home = lws_create_vhost(w->context, &info);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!w->home || w->epoll < 0)
		return error_set(e, EIO, "libwebsockets: no vhost, or no descriptor");
	lws_sock_file_fd_type fd = { .filefd = w->epoll };
	if (!lws_adopt_descriptor_vhost(w->home, LWS_ADOPT_RAW_FILE_DESC, fd, ws_protocols[0].name,
					NULL))
		return error_set(e, EIO, "libwebsockets cannot adopt a descriptor");
	return 0;
}

int ws_new(struct client *client, struct ws **ret, struct error *e)
{
	struct ws *w = calloc(1, sizeof(*w));

	if (!w)
		return error_oom(e);
	w->client = client;
	w->loop = client_loop(client);
	w->epoll = -1;
	w->sweep.run = ws_route_sweep;
	list_init(&w->sweep.node);
	list_init(&w->routes);
	list_init(&w->connections);
	list_init(&w->asks);
	list_init(&w->jobs);
	lock_init(&w->lock, LOCK_QUEUE);
	int r = ws_make_context(w, e);
	if (r < 0) {
		ws_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static struct ws_job *ws_job_take(struct ws *w)
{
	lock_guard(&w->lock);
	if (list_empty(&w->jobs))
		return NULL;
	struct ws_job *job = list_entry(w->jobs.next, struct ws_job, node);
	list_remove(&job->node);
	return job;
}

static void ws_run_jobs(struct ws *w)
{
	for (struct ws_job *job = ws_job_take(w); job; job = ws_job_take(w)) {
		lock_assert_none();
		job->run(job);
	}
}

static bool ws_stopping(struct ws *w)
{
	lock_guard(&w->lock);
	return w->stop;
}

static void *ws_thread(void *arg)
{
	struct ws *w = arg;

	ws_current = w;
	pthread_setname_np(pthread_self(), w->name);
	while (!ws_stopping(w)) {
		ws_run_jobs(w);
		lws_service(w->context, 0);
	}
	ws_run_jobs(w);
	ws_current = NULL;
	return NULL;
}

int ws_start(struct ws *w, const char *name, struct error *e)
{
	sigset_t all, before;

	assert(!w->started && strlen(name) < sizeof(w->name));
	strcpy(w->name, name);
	/* The thread inherits the mask: no SIGPIPE of a closed connection can land in it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	w->started = true;
	int r = pthread_create(&w->thread, NULL, ws_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		return 0;
	w->started = false;
	return error_set(e, r, "thread %s cannot be started: %s", name, strerror(r));
}

void ws_detach(struct ws *w)
{
	assert(loop_is_current(w->loop));
	w->detached = true;
	list_for_each(a, &w->asks, struct ws_ask, node) {
		if (a->request)
			request_cancel(a->request);
		a->request = NULL;
		a->r = error_set(&a->error, ESHUTDOWN, "weaverfs is ending");
		list_remove(&a->node);
		ws_post(w, &a->back);
	}
}

void ws_stop(struct ws *w)
{
	if (!w->started)
		return;
	assert(!ws_is_current(w));
	{
		lock_guard(&w->lock);
		w->stop = true;
	}
	lws_cancel_service(w->context);
	pthread_join(w->thread, NULL);
	w->started = false;
}

/* Ending TLS connections writes to them, in whatever thread this is. */
static void ws_destroy_context(struct ws *w)
{
	static const struct timespec at_once;
	sigset_t pipe, before;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	lws_context_destroy(w->context);
	if (!sigismember(&before, SIGPIPE))
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ws_free(struct ws *w)
{
	if (!w)
		return;
	assert(!w->started);
	w->ending = true;
	ws_connection_end_all(w);
	/* Answers to those that had asked when the thread ended. */
	ws_run_jobs(w);
	if (w->context)
		ws_destroy_context(w);
	lock_done(&w->lock);
	free(w);
}

void ws_post(struct ws *w, struct ws_job *job)
{
	bool wake;
	{
		lock_guard(&w->lock);
		wake = list_empty(&w->jobs);
		list_push_back(&w->jobs, &job->node);
	}
	if (wake)
		lws_cancel_service(w->context);
}

struct ws_errand {
	struct ws_job job;
	void (*run)(void *data);
	void *data;
	sem_t done;
};

static void ws_errand_run(struct ws_job *job)
{
	struct ws_errand *errand = container_of(job, struct ws_errand, job);

	errand->run(errand->data);
	sem_post(&errand->done);
}

void ws_run(struct ws *w, void (*run)(void *data), void *data)
{
	struct ws_errand errand = { .job.run = ws_errand_run, .run = run, .data = data };

	assert(w->started && !ws_is_current(w));
	list_init(&errand.job.node);
	sem_init(&errand.done, 0, 0);
	ws_post(w, &errand.job);
	while (sem_wait(&errand.done) < 0)
		;
	sem_destroy(&errand.done);
}

bool ws_busy(const struct ws *w)
{
	return !list_empty(&w->connections);
}

bool ws_is_current(const struct ws *w)
{
	return ws_current == w;
}

/* The state of the ws thread may be touched: by it, or while there is none. */
static void ws_assert_mine(const struct ws *w)
{
	assert(ws_is_current(w) || !w->started);
	(void)w;
}

static void ws_timer_fired(lws_sorted_usec_list_t *sul)
{
	struct ws_timer *t = lws_container_of(sul, struct ws_timer, sul);

	t->fire(t);
}

void ws_timer_set(struct ws *w, struct ws_timer *t, int64_t delay_ms,
		  void (*fire)(struct ws_timer *t))
{
	ws_assert_mine(w);
	t->fire = fire;
	lws_sul_schedule(w->context, 0, &t->sul, ws_timer_fired, delay_ms * LWS_US_PER_MS + 1);
}

void ws_timer_cancel(struct ws_timer *t)
{
	lws_sul_cancel(&t->sul);
}

int ws_fd_watch(struct ws *w, struct ws_fd *f, int fd, uint32_t events,
		void (*ready)(struct ws_fd *f, uint32_t events))
{
	struct epoll_event event = { .events = events, .data.ptr = f };

	ws_assert_mine(w);
	*f = (struct ws_fd){ .fd = fd, .events = events, .ready = ready };
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	f->fd = -1;
	return -errno;
}

void ws_fd_change(struct ws *w, struct ws_fd *f, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = f };

	ws_assert_mine(w);
	if (f->fd < 0 || f->events == events)
		return;
	f->events = events;
	epoll_ctl(w->epoll, EPOLL_CTL_MOD, f->fd, &event);
}

void ws_fd_unwatch(struct ws *w, struct ws_fd *f)
{
	ws_assert_mine(w);
	if (f->fd >= 0)
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, f->fd, NULL);
	f->fd = -1;
}
