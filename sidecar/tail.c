/* SPDX-License-Identifier: Apache-2.0 */
/* inotify wakes it when the writer has written; once a second it looks anyway. */
#include "sidecar/tail.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/base/write.h"
#include "sidecar/readers.h"

static void close_reader(struct buffer_reader **r)
{
	buffer_reader_close(*r);
}

/* false: nobody reads. */
static bool wait_for_more(int watch_fd, int out_fd)
{
	struct pollfd fds[] = { { .fd = watch_fd, .events = POLLIN }, { .fd = out_fd } };
	char events[4096];

	poll(fds, 2, 1000);
	if (fds[0].revents && read(watch_fd, events, sizeof(events)) < 0)
		return errno == EAGAIN || errno == EINTR;
	return !(fds[1].revents & (POLLERR | POLLHUP));
}

static int gone(struct buffer_reader *r, struct error *e)
{
	uint64_t place = buffer_reader_place(r), oldest;
	int n = buffer_reader_skip(r, &oldest, e);

	if (n < 0)
		return 1;
	error_set(e, ESTALE,
		  "bytes %" PRIu64 " to %" PRIu64 " are gone: --after %" PRIu64 " goes on", place,
		  oldest, oldest);
	return TAIL_EXIT_GONE;
}

static int copy(struct buffer_reader *r, const struct tail_options *o, int mark_fd, int watch_fd,
		int out_fd, struct error *e)
{
	struct buffer_chunk chunk;

	for (;;) {
		int n = buffer_reader_next(r, &chunk, e);

		if (n == -ESTALE)
			return gone(r, e);
		if (n < 0)
			return 1;
		if (n == 0 && buffer_reader_is_beyond(r)) {
			error_set(e, ERANGE,
				  "the stream ends at byte %" PRIu64 ", before byte %" PRIu64
				  ": --after %" PRIu64 " goes on",
				  buffer_reader_end(r), buffer_reader_place(r),
				  buffer_reader_end(r));
			return TAIL_EXIT_BEYOND;
		}
		if (n == 0 && (!o->follow || !wait_for_more(watch_fd, out_fd)))
			return 0;
		if (n == 0)
			continue;
		n = write_all(out_fd, chunk.lines, chunk.len);
		if (n == -EPIPE)
			return 0;
		if (n < 0) {
			error_set(e, -n, "stdout: %s", strerror(-n));
			return 1;
		}
		readers_mark(mark_fd, buffer_reader_place(r));
	}
}

int tail_run(const struct tail_options *options, int out_fd, struct error *e)
{
	_cleanup_(close_reader) struct buffer_reader *r = NULL;
	_cleanup_(cleanup_close) int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_(cleanup_close) int mark_fd = -1;

	if (watch_fd >= 0)
		inotify_add_watch(watch_fd, options->dir, IN_MODIFY | IN_CREATE);
	if (buffer_reader_open(options->dir, options->after, &r, e) < 0)
		return 1;
	/* On a disk that is full, say, it reads all the same; nobody waits for it then. */
	if (options->follow)
		mark_fd = readers_join(options->dir, NULL);
	return copy(r, options, mark_fd, watch_fd, out_fd, e);
}
