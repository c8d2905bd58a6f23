/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work on an open entry: the weaver's log is followed into its spool as if somebody read it,
 * and from there copied to `logs`, a piece a turn of the loop, so that 64 weavers that leave at
 * once hold up nobody. A copy and not the spool itself, since that is a ring. The spool stays until
 * the entry is over: after a crash the copy is made again.
 *
 * Over means: the pod is gone, its log has ended (not later than 10 s after), all is copied. The
 * log's end decides, not the pod's: the last lines may come after its DELETED. Where the end is
 * missing a last gap line says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/archive_private.h"
#include "fs/attr.h"
#include "fs/log_file.h"
#include "fs/poke.h"
#include "fs/spool.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"

#define PIECE (256 * 1024)
#define COALESCE_NS (20 * CLOCK_NS_PER_MS)
#define RETRY_NS (5 * CLOCK_NS_PER_S)
#define CAP_NS (10 * CLOCK_NS_PER_S)
#define SPOOL_BYTES (64LL << 20) /* one that has to be made has nothing in it */

static void set_timer(struct archive_work *work, int64_t at_ns)
{
	loop_timer_set(work->entry->archive->fs->loop, &work->timer, at_ns);
}

static void changed(struct archive_entry *entry, const char *file)
{
	struct archive *a = entry->archive;

	poke_grown(a->fs->poke, entry->view.object, table_find(file, ATTR_ARCHIVE, NULL));
}

static void touch(struct archive_entry *entry)
{
	lock_guard(&entry->archive->lock);
	entry->view.changed_ns = clock_realtime_ns();
}

/* ---- the copy ---- */

static int write_at(struct archive_entry *entry, const char *bytes, size_t len, off_t at,
		    struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	archive_entry_path(entry, "logs", &path);
	_cleanup_(cleanup_close) int fd =
		open(buf_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, errno, "archive: %s: %s", buf_str(&path), strerror(errno));
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(e, n < 0 ? errno : ENOSPC, "archive: %s: %s",
					 buf_str(&path), strerror(n < 0 ? errno : ENOSPC));
		bytes += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* One piece; *ret_more: the spool has more. */
static int copy(struct archive_work *work, bool *ret_more, struct error *e)
{
	static char piece[PIECE]; /* the cluster thread's */
	struct archive_entry *entry = work->entry;

	*ret_more = false;
	if (!work->spool)
		return 0;
	if (!work->reader && spool_reader_new(work->spool, &work->reader) < 0)
		return error_oom(e);
	ssize_t n = spool_reader_read(work->reader, piece, sizeof(piece), work->copied);
	if (n < 0)
		return error_set(e, (int)-n, "archive: the log's spool: %s", strerror((int)-n));
	if (n == 0)
		return 0;
	int r = write_at(entry, piece, (size_t)n, work->copied, e);
	if (r < 0)
		return r;
	work->copied += n;
	work->failed = false;
	*ret_more = n == (ssize_t)sizeof(piece);
	touch(entry);
	changed(entry, "logs");
	return 0;
}

/* What of the log's end could not be had: after a crash, or from a server that was away. */
static int add_gap(struct archive_work *work, struct error *e)
{
	struct archive_entry *entry = work->entry;
	int64_t now_ns = clock_realtime_ns(), from_ns = entry->begun_s * CLOCK_NS_PER_S;
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	if (work->keeper.file && logs_kept_last_ns(&work->keeper))
		from_ns = logs_kept_last_ns(&work->keeper);
	else if (!work->keeper.file && work->last_ns)
		from_ns = work->last_ns;
	log_file_gap_line(&line, from_ns, now_ns);
	if (buf_error(&line) < 0)
		return error_oom(e);
	return write_at(entry, line.data, line.len, work->copied, e);
}

/* ---- the end ---- */

static int close_entry(struct archive_work *work, bool ended, struct error *e)
{
	struct archive_entry *entry = work->entry;
	int r = ended || entry->log_complete ? 0 : add_gap(work, e);

	entry->over_s = clock_realtime_ns() / CLOCK_NS_PER_S;
	if (r == 0)
		r = archive_entry_render(entry, e);
	if (r == 0) {
		entry->bytes = archive_entry_measure(entry);
		r = archive_entry_save(entry, e);
	}
	if (r < 0) {
		entry->over_s = 0;
		return r;
	}
	touch(entry);
	archive_log_end(entry, false);
	archive_set_over(entry);
	changed(entry, "status");
	archive_purge_trim(entry->archive);
	return 0;
}

/* The keeper says that the log has ended; complete goes to the disk before it is relied on. */
static int note_end(struct archive_work *work, bool *ret_ended, struct error *e)
{
	struct archive_entry *entry = work->entry;
	bool complete;

	*ret_ended = !work->keeper.file ? false : logs_kept_ended(&work->keeper, &complete);
	if (!*ret_ended || !complete || entry->log_complete)
		return 0;
	entry->log_complete = true;
	int r = archive_entry_save(entry, e);
	if (r < 0)
		entry->log_complete = false;
	return r;
}

static int step(struct archive_work *work, struct error *e)
{
	int64_t now_ns = clock_monotonic_ns();
	bool more = false, ended;
	int r = note_end(work, &ended, e);

	if (r == 0)
		r = copy(work, &more, e);
	if (r < 0)
		return r;
	if (more)
		set_timer(work, now_ns);
	else if (work->gone && (ended || now_ns >= work->cap_ns))
		return close_entry(work, ended, e);
	else if (work->gone)
		set_timer(work, work->cap_ns);
	return 0;
}

static void fire(struct loop_timer *t)
{
	struct archive_work *work = container_of(t, struct archive_work, timer);
	struct archive_entry *entry = work->entry;
	struct error e = ERROR_INIT;

	/* It may be over after that, and the work gone. */
	if (step(work, &e) == 0)
		return;
	if (!work->failed)
		archive_note(entry, &e);
	work->failed = true;
	set_timer(work, clock_monotonic_ns() + RETRY_NS);
}

/* ---- what is told ---- */

static void keeper_changed(struct logs_keeper *k)
{
	struct archive_work *work = container_of(k, struct archive_work, keeper);
	bool complete;

	int64_t at_ns = clock_monotonic_ns();

	if (!logs_kept_ended(k, &complete))
		at_ns += COALESCE_NS;
	/* Not put off by each line. */
	if (list_empty(&work->timer.node) || work->timer.at_ns > at_ns)
		set_timer(work, at_ns);
}

static void take_view(struct archive_work *work, const struct registry_view *v)
{
	registry_view_done(&work->last);
	registry_view_copy(v, &work->last);
	spool_unref(move_ptr(&work->last.logs)); /* the keeper has it */
}

int archive_log_new(struct archive_entry *entry, struct error *e)
{
	struct archive_work *work = calloc(1, sizeof(*work));

	if (!work)
		return error_oom(e);
	work->entry = entry;
	work->keeper.changed = keeper_changed;
	list_init(&work->keeper.node);
	loop_timer_init(&work->timer, fire);
	entry->work = work;
	return 0;
}

static int open_spool(struct archive_work *work, struct error *e)
{
	struct archive_entry *entry = work->entry;
	_cleanup_(buf_done) struct buf dir = BUF_INIT;
	struct log_position position;

	buf_printf(&dir, "%s/spool", entry->archive->fs->state_dir);
	if (buf_error(&dir) < 0)
		return error_oom(e);
	int r = spool_open(dir.data, entry->view.uid_text, SPOOL_BYTES, &work->spool, &position, e);
	if (r == 0)
		work->last_ns = position.last_ns;
	return r;
}

int archive_log_begin(struct archive_entry *entry, const struct registry_view *v, struct error *e)
{
	struct archive_work *work = entry->work;

	take_view(work, v);
	int r = logs_keep(entry->archive->fs->logs, &work->keeper, v, entry->log_complete, e);
	if (r == 0)
		work->spool = spool_ref(logs_kept_spool(&work->keeper));
	set_timer(work, clock_monotonic_ns());
	return r;
}

int archive_log_resume(struct archive_entry *entry, struct error *e)
{
	int r = archive_log_new(entry, e);

	if (r < 0)
		return r;
	entry->work->gone = true;
	r = open_spool(entry->work, e);
	set_timer(entry->work, clock_monotonic_ns());
	return r;
}

void archive_log_pod_changed(struct archive_entry *entry, const struct registry_view *v, bool gone)
{
	struct error e = ERROR_INIT;
	int r = 0;

	if (entry->over_s)
		return;
	/* Read from the disk: the daemon that began it has ended. */
	if (!entry->work)
		r = archive_log_new(entry, &e);
	if (r == 0 && !entry->work->last.pod)
		r = archive_log_begin(entry, v, &e);
	if (r < 0)
		archive_note(entry, &e);
	struct archive_work *work = entry->work;
	if (!work)
		return;
	take_view(work, v);
	if (archive_entry_render(entry, &e) < 0)
		archive_note(entry, &e);
	touch(entry);
	if (!gone || work->gone)
		return;
	work->gone = true;
	work->cap_ns = clock_monotonic_ns() + CAP_NS;
	set_timer(work, clock_monotonic_ns());
}

void archive_log_end(struct archive_entry *entry, bool spare)
{
	struct archive_work *work = entry->work;

	if (!work)
		return;
	entry->work = NULL;
	loop_timer_cancel(&work->timer);
	spool_reader_free(work->reader);
	if (work->keeper.file)
		logs_unkeep(&work->keeper, spare);
	else if (work->spool && !spare)
		spool_discard(work->spool);
	spool_unref(work->spool);
	registry_view_done(&work->last);
	free(work);
}
