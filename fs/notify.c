/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One datagram a message, as sd_notify(3) has it. The watchdog hangs on the cluster thread: it is
 * the one that could stand still without anybody seeing it.
 */
#include "fs/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"

static struct {
	struct loop *loop; /* NULL: not started */
	struct loop_timer timer;
	int64_t every_ns;
} watchdog; /* loop thread */

void notify_send(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(to.sun_path) || !strchr("/@", *path))
		return;
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	_cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || buf_error(&text) < 0)
		return;
	memcpy(to.sun_path, path, len);
	if (*path == '@') /* an abstract name */
		to.sun_path[0] = '\0';
	sendto(fd, buf_str(&text), text.len, MSG_NOSIGNAL, (const struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

static void watchdog_fire(struct loop_timer *t)
{
	notify_send("WATCHDOG=1");
	loop_timer_set(watchdog.loop, t, clock_monotonic_ns() + watchdog.every_ns);
}

void notify_watchdog_start(struct loop *loop)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	long long n = usec ? strtoll(usec, NULL, 10) : 0;

	if (n <= 0 || (pid && strtol(pid, NULL, 10) != getpid()))
		return;
	watchdog.loop = loop;
	watchdog.every_ns = n * 1000 / 2;
	loop_timer_init(&watchdog.timer, watchdog_fire);
	watchdog_fire(&watchdog.timer);
}

void notify_watchdog_stop(void)
{
	if (watchdog.loop)
		loop_timer_cancel(&watchdog.timer);
	watchdog.loop = NULL;
}
