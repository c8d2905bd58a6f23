/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are numbered from the first one ever appended. The data file is a ring: byte n stands at
 * n % cap, so that it never grows past its bound, needs no copying and no help of the file system,
 * and is a plain text file until it is full for the first time.
 *
 * Order of an append: if it would overwrite bytes that still count, a record that gives them up;
 * the bytes; a record that counts them. Records go alternately into two slots with a sequence
 * number and a sum, and the newest that is whole counts; so a process killed at any instant leaves
 * the state before or after the append. Nothing is synced: what is promised is to survive the
 * death of the daemon, not of the machine. After a power failure a record whose bytes are missing
 * is noticed by the file's length and reading begins anew; the kubelet still has the lines.
 */
#include "fs/logs/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/logs/spool_private.h"
#include "k8s/base/clock.h"
#include "k8s/base/hash.h"
#include "k8s/base/lock.h"

#define SPOOL_MAGIC 0x324c4f4f50535657ULL /* "WVSPOOL2", little-endian */
#define SPOOL_CAP_MIN 4096
#define SPOOL_SLOT 512
#define SPOOL_LINE_MAX 65536 /* how far the end of a line is looked for when old bytes go */

/* On disk, in host byte order: a spool does not travel. */
struct spool_record {
	uint64_t magic;
	uint64_t sequence;
	int64_t cap, start, end;
	int64_t last_ns;
	uint64_t same;
	int64_t part_ns;
	uint64_t part;
	char container_id[sizeof(((struct log_position *)0)->container_id)];
	uint64_t sum; /* hash_bytes() of all before */
};

static void set_bounds(struct spool *s, off_t start, off_t end)
{
	lock_guard(&s->lock);
	s->start = start;
	s->end = end;
	if (s->readers == 0)
		spool_reader_cut(&s->view, 0, 0, start, true);
}

/* ---- the position record ---- */

static uint64_t record_sum(const struct spool_record *rec)
{
	return hash_bytes(rec, offsetof(struct spool_record, sum));
}

static int record_write(struct spool *s, off_t start, off_t end, const struct log_position *pos,
			struct error *e)
{
	struct spool_record rec = {
		.magic = SPOOL_MAGIC,
		.sequence = s->sequence + 1,
		.cap = s->cap,
		.start = start,
		.end = end,
		.last_ns = pos->last_ns,
		.same = pos->same,
		.part_ns = pos->part_ns,
		.part = pos->part,
	};

	if (s->pos_fd < 0)
		return 0;
	memcpy(rec.container_id, pos->container_id,
	       strnlen(pos->container_id, sizeof(rec.container_id) - 1));
	rec.sum = record_sum(&rec);
	ssize_t n = pwrite(s->pos_fd, &rec, sizeof(rec), (off_t)(rec.sequence % 2) * SPOOL_SLOT);
	if (n != (ssize_t)sizeof(rec)) {
		int code = n < 0 ? errno : ENOSPC;
		return error_set(e, code, "%s: %s", s->pos_path, strerror(code));
	}
	s->sequence++;
	return 0;
}

static bool record_read(struct spool *s, struct spool_record *ret)
{
	bool found = false;

	for (int slot = 0; slot < 2; slot++) {
		struct spool_record rec;

		if (pread(s->pos_fd, &rec, sizeof(rec), slot * SPOOL_SLOT) !=
			    (ssize_t)sizeof(rec) ||
		    rec.magic != SPOOL_MAGIC || rec.sum != record_sum(&rec))
			continue;
		if (!found || rec.sequence > ret->sequence)
			*ret = rec;
		found = true;
	}
	return found;
}

/* ---- opening ---- */

static bool uid_valid(const char *uid)
{
	size_t n = strlen(uid);

	return n > 0 && n < 64 &&
	       strspn(uid, "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
}

static int open_file(const char *path, struct error *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? error_set(e, errno, "spool %s: %s", path, strerror(errno)) : fd;
}

/* In $TMPDIR, not in memory: a busy log is as large as the bound. */
static int open_unnamed(struct spool *s, struct error *e)
{
	const char *dir = getenv("TMPDIR");

	if (!dir || *dir != '/')
		dir = "/tmp";
	s->fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return error_set(e, errno, "temporary file in %s: %s", dir, strerror(errno));
	return 0;
}

/* Bytes beyond the record were never counted: they are overwritten, or cut off here. */
static int recover(struct spool *s, struct error *e)
{
	struct spool_record rec = { .cap = s->cap };
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return error_set(e, errno, "spool %s: %s", s->log_path, strerror(errno));
	if (record_read(s, &rec)) {
		bool sound = rec.cap >= SPOOL_CAP_MIN && rec.start >= 0 && rec.start <= rec.end &&
			     rec.end - rec.start <= rec.cap &&
			     st.st_size >= (rec.end < rec.cap ? rec.end : rec.cap);

		s->sequence = rec.sequence;
		if (!sound)
			rec = (struct spool_record){ .cap = s->cap };
	}
	if (rec.end < rec.cap && ftruncate(s->fd, rec.end) < 0)
		return error_set(e, errno, "spool %s: %s", s->log_path, strerror(errno));

	s->cap = rec.cap;
	s->position.last_ns = rec.last_ns;
	s->position.same = (uint32_t)rec.same;
	s->position.part_ns = rec.part_ns;
	s->position.part = rec.part;
	memcpy(s->position.container_id, rec.container_id, sizeof(rec.container_id) - 1);
	s->changed_ns = st.st_mtim.tv_sec * CLOCK_NS_PER_S + st.st_mtim.tv_nsec;
	set_bounds(s, rec.start, rec.end);
	return 0;
}

static int open_named(struct spool *s, const char *dir, const char *uid, struct error *e)
{
	if (!uid_valid(uid))
		return error_set(e, EINVAL, "spool: \"%s\" is no uid", uid);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_set(e, errno, "spool directory %s: %s", dir, strerror(errno));
	if (asprintf(&s->log_path, "%s/%s.log", dir, uid) < 0) {
		s->log_path = NULL;
		return error_oom(e);
	}
	if (asprintf(&s->pos_path, "%s/%s.pos", dir, uid) < 0) {
		s->pos_path = NULL;
		return error_oom(e);
	}
	int r = open_file(s->log_path, e);
	if (r < 0)
		return r;
	s->fd = r;
	r = open_file(s->pos_path, e);
	if (r < 0)
		return r;
	s->pos_fd = r;
	return recover(s, e);
}

int spool_open(const char *dir, const char *uid, enum spool_kind kind, int64_t max_bytes,
	       struct spool **ret, struct log_position *ret_pos, struct error *e)
{
	_cleanup_(spool_unrefp) struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return error_oom(e);
	s->refs = 1;
	s->fd = s->pos_fd = -1;
	s->view.kind = kind;
	s->cap = max_bytes < SPOOL_CAP_MIN ? SPOOL_CAP_MIN : max_bytes;
	lock_init(&s->lock, LOCK_LEAF);
	int r = *dir ? open_named(s, dir, uid, e) : open_unnamed(s, e);
	if (r < 0)
		return r;
	*ret_pos = s->position;
	*ret = move_ptr(&s);
	return 0;
}

struct spool *spool_ref(struct spool *s)
{
	if (s)
		__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void spool_unref(struct spool *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	assert(s->readers == 0);
	if (__atomic_load_n(&s->discard, __ATOMIC_RELAXED) && s->log_path && s->pos_path) {
		unlink(s->pos_path); /* first: bytes without a record do not count */
		unlink(s->log_path);
	}
	cleanup_close(&s->fd);
	cleanup_close(&s->pos_fd);
	free(s->log_path);
	free(s->pos_path);
	lock_done(&s->lock);
	free(s);
}

void spool_discard(struct spool *s)
{
	__atomic_store_n(&s->discard, 1, __ATOMIC_RELAXED);
}

/* ---- appending ---- */

static const char *spool_path(const struct spool *s)
{
	return s->log_path ? s->log_path : "temporary spool";
}

static int ring_write(struct spool *s, const char *bytes, size_t len, off_t at, struct error *e)
{
	while (len > 0) {
		off_t room = s->cap - at % s->cap;
		ssize_t n =
			pwrite(s->fd, bytes, len < (size_t)room ? len : (size_t)room, at % s->cap);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int code = n < 0 ? errno : ENOSPC;
			return error_set(e, code, "%s: %s", spool_path(s), strerror(code));
		}
		bytes += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* The beginning of the first line at or after byte `at`; `at` when none ends soon. */
static off_t line_start(struct spool *s, off_t at)
{
	char buf[4096];
	off_t limit = at + SPOOL_LINE_MAX < s->end ? at + SPOOL_LINE_MAX : s->end;

	for (off_t p = at; p < limit;) {
		off_t room = s->cap - p % s->cap;
		size_t want = sizeof(buf);

		if ((off_t)want > room)
			want = (size_t)room;
		if ((off_t)want > limit - p)
			want = (size_t)(limit - p);
		ssize_t n = pread(s->fd, buf, want, p % s->cap);
		if (n <= 0)
			break;
		const char *newline = memchr(buf, '\n', (size_t)n);
		if (newline)
			return p + (newline - buf) + 1;
		p += n;
	}
	return at;
}

/* Gives up all before byte `to`, which may be one that was never appended. */
static int drop_front(struct spool *s, off_t to, struct error *e)
{
	off_t start = to < s->end ? line_start(s, to) : to;
	off_t end = start > s->end ? start : s->end;
	int r = record_write(s, start, end, &s->position, e);

	if (r < 0)
		return r;
	set_bounds(s, start, end);
	return 0;
}

int spool_append(struct spool *s, const char *bytes, size_t len, const struct log_position *pos,
		 struct error *e)
{
	int r = 0;

	if ((off_t)len > s->cap / 2) {
		size_t skip = len - (size_t)(s->cap / 2);

		r = drop_front(s, s->end + (off_t)skip, e);
		bytes += skip;
		len -= skip;
	} else if (s->end + (off_t)len - s->start > s->cap) {
		r = drop_front(s, s->end + (off_t)len - s->cap / 4 * 3, e);
	}
	if (r < 0)
		return r;
	r = ring_write(s, bytes, len, s->end, e);
	if (r < 0)
		return r;
	r = record_write(s, s->start, s->end + (off_t)len, pos, e);
	if (r < 0)
		return r;
	s->position = *pos;

	lock_guard(&s->lock);
	s->end += (off_t)len;
	s->changed_ns = clock_realtime_ns();
	return 0;
}

size_t spool_last(struct spool *s, char *to, size_t len)
{
	size_t n = (off_t)len < s->end - s->start ? len : (size_t)(s->end - s->start);

	for (size_t done = 0; done < n;) {
		off_t at = s->end - (off_t)(n - done), room = s->cap - at % s->cap;
		size_t want = n - done < (size_t)room ? n - done : (size_t)room;
		ssize_t got = pread(s->fd, to + done, want, at % s->cap);

		if (got <= 0)
			return 0;
		done += (size_t)got;
	}
	return n;
}

/* ---- any thread ---- */

off_t spool_size(struct spool *s)
{
	lock_guard(&s->lock);
	return (off_t)s->view.gap_len + s->end - s->view.resume;
}

int64_t spool_changed_ns(struct spool *s)
{
	lock_guard(&s->lock);
	return s->changed_ns;
}
