/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work on an open entry: the weaver's log is followed into its spool as if somebody read it,
 * and from there copied to `logs`, its audit trail likewise to `audit`, a piece a turn of the loop,
 * so that 64 weavers that leave at once hold up nobody. A copy and not the spool itself, since that
 * is a ring. The spool stays until the entry is over: after a crash the copy is made again.
 *
 * Over means: the pod is gone, its log and trail have ended (not later than 10 s after), all is
 * copied. Their ends decide, not the pod's: the last lines may come after its DELETED. Where an end
 * is missing a last gap line says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/archive/archive_private.h"
#include "fs/attr/attr.h"
#include "fs/logs/log_file.h"
#include "fs/logs/spool.h"
#include "fs/poke/poke.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"

#define PIECE (256 * 1024)
#define COALESCE_NS (20 * CLOCK_NS_PER_MS)
#define RETRY_NS (5 * CLOCK_NS_PER_S)
#define CAP_NS (10 * CLOCK_NS_PER_S)

static const struct log_source *const sources[SPOOL_KINDS] = {
	[SPOOL_LOGS] = &log_source_logs,
	[SPOOL_AUDIT] = &audit_source_sidecar,
};

/* Those that the weaver has. */
#define for_each_copy(c, work)                                                                     \
	for (struct archive_copy *c = (work)->copies; c < (work)->copies + SPOOL_KINDS; c++)       \
		if (c->source)

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

static int write_at(const struct archive_copy *c, const char *bytes, size_t len, off_t at,
		    struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	archive_entry_path(c->work->entry, c->source->file, &path);
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
static int copy(struct archive_copy *c, bool *ret_more, struct error *e)
{
	static char piece[PIECE]; /* the cluster thread's */
	struct archive_entry *entry = c->work->entry;

	if (!c->spool)
		return 0;
	if (!c->reader && spool_reader_new(c->spool, &c->reader) < 0)
		return error_oom(e);
	ssize_t n = spool_reader_read(c->reader, piece, sizeof(piece), c->copied);
	if (n < 0)
		return error_set(e, (int)-n, "archive: the spool of %s: %s", c->source->file,
				 strerror((int)-n));
	if (n == 0)
		return 0;
	int r = write_at(c, piece, (size_t)n, c->copied, e);
	if (r < 0)
		return r;
	c->copied += n;
	c->work->failed = false;
	*ret_more |= n == (ssize_t)sizeof(piece);
	touch(entry);
	changed(entry, c->source->file);
	return 0;
}

/* What of the end could not be had: after a crash, or from a server that was away. */
static int add_gap(const struct archive_copy *c, struct error *e)
{
	int64_t begun_ns = c->work->entry->begun_s * CLOCK_NS_PER_S;
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	if (!c->spool)
		return 0;
	c->source->cut_line(c->spool, c->keeper.file ? logs_kept_position(&c->keeper) : &c->at,
			    begun_ns, &line);
	if (buf_error(&line) < 0)
		return error_oom(e);
	return write_at(c, line.data, line.len, c->copied, e);
}

/* ---- the end ---- */

static bool has_ended(const struct archive_copy *c)
{
	bool complete;

	return c->keeper.file && logs_kept_ended(&c->keeper, &complete);
}

static int close_entry(struct archive_work *work, struct error *e)
{
	struct archive_entry *entry = work->entry;
	int r = 0;

	for_each_copy(c, work) if (r == 0 && !has_ended(c) && !entry->complete[c->source->kind]) r =
		add_gap(c, e);
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

/* A keeper says that it has it all: that goes to the disk before it is relied on. */
static int note_end(struct archive_copy *c, struct error *e)
{
	struct archive_entry *entry = c->work->entry;
	bool complete, *known = &entry->complete[c->source->kind];

	if (!c->keeper.file || !logs_kept_ended(&c->keeper, &complete) || !complete || *known)
		return 0;
	*known = true;
	int r = archive_entry_save(entry, e);
	if (r < 0)
		*known = false;
	return r;
}

static int step(struct archive_work *work, struct error *e)
{
	int64_t now_ns = clock_monotonic_ns();
	bool more = false, ended = true;
	int r = 0;

	for_each_copy(c, work)
	{
		if (r == 0)
			r = note_end(c, e);
		ended &= has_ended(c);
		if (r == 0)
			r = copy(c, &more, e);
	}
	if (r < 0)
		return r;
	if (more)
		set_timer(work, now_ns);
	else if (work->gone && (ended || now_ns >= work->cap_ns))
		return close_entry(work, e);
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
	struct archive_work *work = container_of(k, struct archive_copy, keeper)->work;
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
	for (unsigned kind = 0; kind < SPOOL_KINDS; kind++)
		spool_unref(move_ptr(&work->last.spools[kind])); /* the keeper has it */
}

int archive_log_new(struct archive_entry *entry, struct error *e)
{
	struct archive_work *work = calloc(1, sizeof(*work));

	if (!work)
		return error_oom(e);
	work->entry = entry;
	for (unsigned kind = 0; kind < SPOOL_KINDS; kind++) {
		struct archive_copy *c = &work->copies[kind];

		c->work = work;
		c->source = kind == SPOOL_AUDIT && !entry->audited ? NULL : sources[kind];
		c->keeper.changed = keeper_changed;
		list_init(&c->keeper.node);
	}
	loop_timer_init(&work->timer, fire);
	entry->work = work;
	return 0;
}

static int open_spool(struct archive_copy *c, struct error *e)
{
	struct archive_entry *entry = c->work->entry;
	_cleanup_(buf_done) struct buf dir = BUF_INIT;

	buf_printf(&dir, "%s/%s", entry->archive->fs->state_dir, c->source->dir);
	if (buf_error(&dir) < 0)
		return error_oom(e);
	int r = spool_open(dir.data, entry->view.uid_text, c->source->kind, c->source->max_bytes,
			   &c->spool, &c->at, e);
	if (r == 0 && c->source->complete(NULL, c->spool))
		entry->complete[c->source->kind] = true;
	return r;
}

int archive_log_begin(struct archive_entry *entry, const struct registry_view *v, struct error *e)
{
	struct archive_work *work = entry->work;

	int r = 0;

	take_view(work, v);
	for_each_copy(c, work)
	{
		enum spool_kind kind = c->source->kind;
		int kept = logs_keep(entry->archive->fs->logs[kind], &c->keeper, v,
				     entry->complete[kind], e);
		if (kept == 0)
			c->spool = spool_ref(logs_kept_spool(&c->keeper));
		else
			r = kept;
	}
	set_timer(work, clock_monotonic_ns());
	return r;
}

int archive_log_resume(struct archive_entry *entry, struct error *e)
{
	int r = archive_log_new(entry, e);

	if (r < 0)
		return r;
	entry->work->gone = true;
	for_each_copy(c, entry->work)
	{
		int opened = open_spool(c, e);
		r = opened < 0 ? opened : r;
	}
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

static void copy_end(struct archive_copy *c, bool spare)
{
	spool_reader_free(c->reader);
	if (c->keeper.file)
		logs_unkeep(&c->keeper, spare);
	else if (c->spool && !spare)
		spool_discard(c->spool);
	spool_unref(c->spool);
}

void archive_log_end(struct archive_entry *entry, bool spare)
{
	struct archive_work *work = entry->work;

	if (!work)
		return;
	entry->work = NULL;
	loop_timer_cancel(&work->timer);
	for_each_copy(c, work) copy_end(c, spare);
	registry_view_done(&work->last);
	free(work);
}
