/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting on unix sockets; see listener.h. */
#include "fs/into/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/ws.h"

/* With no descriptor left, accept() would fail at once again and again. */
#define LISTENER_PAUSE_MS 100

struct listener {
	struct ws *ws;
	struct ws_fd fd; /* owned */
	struct ws_timer pause;
	const struct listener_ops *ops;
	void *data;
};

static void listener_resume(struct ws_timer *t)
{
	struct listener *l = container_of(t, struct listener, pause);

	ws_fd_change(l->ws, &l->fd, EPOLLIN);
}

/* One at a time: accepted() may free the listener. */
static void listener_ready(struct ws_fd *f, uint32_t events)
{
	struct listener *l = container_of(f, struct listener, fd);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	(void)events;
	_cleanup_(cleanup_close) int fd =
		accept4(l->fd.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			ws_fd_change(l->ws, &l->fd, 0);
			ws_timer_set(l->ws, &l->pause, LISTENER_PAUSE_MS, listener_resume);
		}
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	int taken = fd;
	fd = -1;
	l->ops->accepted(l->data, taken, &peer);
}

int listener_new(struct ws *w, int fd, const struct listener_ops *ops, void *data,
		 struct listener **ret, struct error *e)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		close(fd);
		return error_oom(e);
	}
	l->ws = w;
	l->ops = ops;
	l->data = data;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	int r = ws_fd_watch(w, &l->fd, fd, EPOLLIN, listener_ready);
	if (r < 0) {
		close(fd);
		free(l);
		return error_set(e, -r, "a socket cannot be watched: %s", strerror(-r));
	}
	*ret = l;
	return 0;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	int fd = l->fd.fd;
	ws_timer_cancel(&l->pause);
	ws_fd_unwatch(l->ws, &l->fd);
	close(fd);
	free(l);
}
