/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the questions is that of filter.h: what is always listed is asked first. */
#include "sidecar/filter.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "k8s/base/cleanup.h"

/* clang-format off */
#define X(name, text) [FILTER_##name] = text,
const char *const filter_reason_names[FILTER_REASON_COUNT] = { FILTER_REASONS(X) };
#undef X
/* clang-format on */

/* Whether path is dir or below it. */
static bool is_under(const char *path, size_t len, const char *dir, size_t dir_len)
{
	while (dir_len > 1 && dir[dir_len - 1] == '/')
		dir_len--;
	return dir_len > 0 && len >= dir_len && memcmp(path, dir, dir_len) == 0 &&
	       (len == dir_len || path[dir_len] == '/' || dir_len == 1);
}

static bool is_under_one_of(const char *path, size_t len, const char *list)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (is_under(path, len, list, n))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* /proc/PID/mem and its like, of whichever process and thread. */
static bool is_sensitive(const char *path, size_t len)
{
	static const char *const names[] = { "/mem", "/exe", "/environ" };

	if (is_under(path, len, "/dev", 4))
		return true;
	if (!is_under(path, len, "/proc", 5))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (len > n && memcmp(path + len - n, names[i], n) == 0)
			return true;
	}
	return false;
}

static bool is_read(const struct event *ev)
{
	uint32_t flags = ev->file.flags;

	if (ev->type == EVENT_FILE_READ)
		return true;
	return ev->type == EVENT_FILE_OPEN && (flags & O_ACCMODE) == O_RDONLY &&
	       (flags & (O_CREAT | O_TRUNC)) == 0;
}

/*
 * Whether the path is one from the container's root, so that it may be left out for where it is. Of
 * what the caller asked for, .. may lead anywhere.
 */
static bool is_certain(const struct event *ev, const char *path, size_t len)
{
	const uint32_t doubts = EVENT_PATH_TRUNCATED | EVENT_DETACHED | EVENT_CHROOTED;

	if (len == 0 || path[0] != '/' || (ev->flags & doubts))
		return false;
	return !(ev->flags & EVENT_ASKED) || !memmem(path, len, "/..", 3);
}

static enum filter_reason filter_file(struct filter *f, const struct event *ev,
				      uint32_t *ret_sample)
{
	size_t len, second_len;
	const char *path = event_text(ev, 0, &len);
	const char *second = event_text(ev, 1, &second_len);
	bool in_workspace = is_under(path, len, "/workspace", 10);

	if (is_sensitive(path, len) || is_under_one_of(path, len, f->always) ||
	    is_under_one_of(second, second_len, f->always))
		return FILTER_KEEP;
	if (!is_certain(ev, path, len))
		return FILTER_KEEP;
	if (!is_read(ev))
		return in_workspace && is_under_one_of(path, len, f->ignore) ? FILTER_PATH
									     : FILTER_KEEP;
	if (is_under_one_of(path, len, "/usr,/lib,/lib64") || is_under_one_of(path, len, f->ignore))
		return FILTER_PATH;
	if (!in_workspace || f->read_sample <= 1)
		return FILTER_KEEP;
	*ret_sample = f->read_sample;
	return f->reads++ % f->read_sample == 0 ? FILTER_KEEP : FILTER_SAMPLED;
}

static bool is_loopback(uint32_t family, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t one[16] = { [15] = 1 };

	if (family == AF_INET)
		return address[0] == 127;
	return family == AF_INET6 &&
	       (memcmp(address, one, 16) == 0 ||
		(memcmp(address, mapped, sizeof(mapped)) == 0 && address[12] == 127));
}

enum filter_reason filter_event(struct filter *f, const struct event *ev, uint32_t *ret_sample)
{
	*ret_sample = 0;
	if (ev->flags & EVENT_SETUP)
		return FILTER_SETUP;
	switch (ev->type) {
	case EVENT_FILE_OPEN:
	case EVENT_FILE_READ:
	case EVENT_FILE_WRITE:
	case EVENT_FILE_METADATA:
		return filter_file(f, ev, ret_sample);
	case EVENT_CONNECT:
	case EVENT_ACCEPT:
		return is_loopback(ev->net.family, ev->net.remote) ? FILTER_LOOPBACK : FILTER_KEEP;
	case EVENT_LISTEN:
		return is_loopback(ev->net.family, ev->net.local) ? FILTER_LOOPBACK : FILTER_KEEP;
	default:
		return FILTER_KEEP;
	}
}
