/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The append-only file behind `logs` and `audit`: bytes in <dir>/<uid>.log, and beside it in .pos
 * where reading stood when they were complete, so that kill -9 at any instant loses and repeats
 * nothing: bytes after the last position record do not count. One writer (cluster thread), any
 * number of readers.
 *
 * It has a bound: past it the oldest quarter goes at once, up to the end of a line. Who reads the
 * file from its beginning then gets one line in place of what is gone,
 *	[weaverfs: gap byte FROM .. byte TO]
 * or its like in JSON, counted in bytes as they were spooled. Offsets and st_size are those of the
 * bytes still there; while somebody has the file open they are those of the bytes there were when
 * the first reader came, so that st_size only grows and `tail -f` never believes in a truncation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/log_stream.h"

struct spool;

/* What a weaver has of them; decides how gaps are said. */
enum spool_kind { SPOOL_NONE, SPOOL_LOGS, SPOOL_AUDIT /* lines of JSON */, SPOOL_KINDS };

/*
 * Opens or makes it, and dir. dir "": an unnamed temporary file. *ret_pos is where reading stood. A
 * file keeps the bound that it was made with. -EINVAL: uid is no file name.
 */
int spool_open(const char *dir, const char *uid, enum spool_kind kind, int64_t max_bytes,
	       struct spool **ret, struct log_position *ret_pos, struct error *e);
struct spool *spool_ref(struct spool *s); /* any thread; NULL gives NULL */
void spool_unref(struct spool *s);
DEFINE_CLEANUP(struct spool *, spool_unref)
/*
 * Appends and records pos with it. 0 or -errno (ENOSPC …): then nothing was appended. Of more than
 * half the bound at once only the end is kept.
 */
int spool_append(struct spool *s, const char *bytes, size_t len, const struct log_position *pos,
		 struct error *e);
/* Removes the files when the last reference goes (the weaver is gone and nothing keeps it). */
void spool_discard(struct spool *s);

/* The last bytes, at most len of them: how many. Cluster thread. */
size_t spool_last(struct spool *s, char *to, size_t len);

/* ---- any thread ---- */
off_t spool_size(struct spool *s);         /* as st_size */
int64_t spool_changed_ns(struct spool *s); /* CLOCK_REALTIME of the last append */

/*
 * One open of the file. A reader that is overtaken gets the gap line and goes on behind it; when it
 * seeks back to what is gone it reads empty lines.
 */
struct spool_reader;
int spool_reader_new(struct spool *s, struct spool_reader **ret); /* takes a reference of s */
void spool_reader_free(struct spool_reader *r);
off_t spool_reader_size(const struct spool_reader *r);
/* As pread(2): bytes read, 0 at the end for now, -errno. Any thread, several at once. */
ssize_t spool_reader_read(struct spool_reader *r, char *to, size_t len, off_t offset);
