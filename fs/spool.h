/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The append-only file behind `logs`: bytes in <state>/spool/<uid>.log, and beside it in .pos where
 * reading stood when they were complete, so that kill -9 at any instant loses and repeats nothing:
 * on opening, bytes after the last position record are cut off. One writer (cluster thread), any
 * number of readers; a reader needs no lock: the size is published after the bytes.
 * It has a bound: past it the oldest bytes go in whole segments and one gap line takes their place.
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

/* Opens or makes it. dir "": an unnamed temporary file. *ret_pos is where reading stood. */
int spool_open(const char *dir, const char *uid, int64_t max_bytes, struct spool **ret,
	       struct log_position *ret_pos, struct error *e);
struct spool *spool_ref(struct spool *s); /* any thread; NULL gives NULL */
void spool_unref(struct spool *s);
DEFINE_CLEANUP(struct spool *, spool_unref)
/* Appends and records pos with it. 0 or -errno (ENOSPC …): then nothing was appended. */
int spool_append(struct spool *s, const char *bytes, size_t len, const struct log_position *pos,
		 struct error *e);
/* Removes the files when the last reference goes (the weaver is gone and nothing keeps it). */
void spool_discard(struct spool *s);

/* ---- any thread ---- */
off_t spool_size(const struct spool *s); /* as st_size */
int64_t spool_changed_ns(const struct spool *s); /* CLOCK_REALTIME of the last append */

/*
 * A reader's own view: offsets that it has passed stay valid for it when old segments go, at the
 * price of one gap line in its stream.
 */
struct spool_reader;
int spool_reader_new(struct spool *s, struct spool_reader **ret); /* takes a reference of s */
void spool_reader_free(struct spool_reader *r);
/* As pread(2): bytes read, 0 at the end for now, -errno. */
ssize_t spool_read(struct spool_reader *r, char *to, size_t len, off_t offset);
