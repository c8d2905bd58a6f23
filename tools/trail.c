/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are searched for their members as text: a quote within a string always has a backslash
 * before it, so ,"seq":[ is no part of one. A batch is checked when its last line has come; what is
 * not certain any more after a hole (the hash before, the lines counted so far) is taken from the
 * next batch instead of being told again and again.
 */
#include "tools/trail.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/sha256.h"

#define CPUS 1024
#define RINGS 2
#define WINDOW 4096 /* numbers that one may come late by */

struct row {
	bool known;                 /* listed is what lines before have been counted to */
	uint64_t listed;            /* at the last batch that told */
	uint64_t lines;             /* since */
	uint64_t next;              /* one more than the highest number seen */
	uint64_t seen[WINDOW / 64]; /* of those before next, a bit each */
	uint64_t filtered, missing, reported;
};

struct trail {
	trail_hole_fn *hole;
	void *arg;
	struct trail_sums sums;
	struct sha256 hash; /* of the open batch, without the hash before it */
	bool whole;         /* the open batch has been seen from its first byte */
	bool any;           /* there was a batch */
	bool from_start;    /* of the run: rows begin with 0 */
	uint64_t batch;
	char last[SHA256_HEX_LEN + 1];
	struct row rows[CPUS][RINGS];
};

static void tell(struct trail *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct trail *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->sums.holes++;
	t->hole(t->arg, text);
}

static void begin_batch(struct trail *t)
{
	sha256_init(&t->hash);
	sha256_add(&t->hash, t->last, SHA256_HEX_LEN);
	t->whole = true;
	t->sums.open = 0;
}

struct trail *trail_new(trail_hole_fn *hole, void *arg)
{
	struct trail *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->hole = hole;
	t->arg = arg;
	memset(t->last, '0', SHA256_HEX_LEN);
	begin_batch(t);
	return t;
}

void trail_free(struct trail *t)
{
	free(t);
}

/* ---- members ---- */

static const char *find(const char *line, size_t len, const char *key)
{
	const char *at = memmem(line, len, key, strlen(key));

	return at ? at + strlen(key) : NULL;
}

static bool number(const char *line, size_t len, const char *key, uint64_t *ret)
{
	const char *at = find(line, len, key);

	if (!at)
		return false;
	*ret = strtoull(at, NULL, 10);
	return true;
}

static bool is_type(const char *line, size_t len, const char *type)
{
	char key[64];

	snprintf(key, sizeof(key), "\"event_type\":\"%s\"", type);
	return find(line, len, key);
}

static struct row *row_of(struct trail *t, uint64_t cpu, uint64_t ring)
{
	return cpu < CPUS && ring < RINGS ? &t->rows[cpu][ring] : NULL;
}

/* After a hole: counting begins anew at the next batch. */
static void forget(struct trail *t)
{
	for (unsigned i = 0; i < CPUS * RINGS; i++)
		t->rows[i / RINGS][i % RINGS].known = false;
	t->from_start = false;
}

/* ---- lines ---- */

static void start_of_run(struct trail *t)
{
	t->sums.runs++;
	for (unsigned i = 0; i < CPUS * RINGS; i++)
		t->rows[i / RINGS][i % RINGS] = (struct row){ .known = true };
	t->from_start = true;
}

static bool is_marked(const struct row *r, uint64_t n)
{
	return r->seen[n % WINDOW / 64] >> n % 64 & 1;
}

/*
 * Numbers rise, but for a probe that was interrupted between taking its number and its place in the
 * ring: it comes after those of the probes that ran meanwhile, of which there are few.
 */
static void mark(struct row *r, uint64_t n)
{
	if (n >= r->next + WINDOW)
		memset(r->seen, 0, sizeof(r->seen));
	else
		for (uint64_t skipped = r->next; skipped < n; skipped++)
			r->seen[skipped % WINDOW / 64] &= ~(1ULL << skipped % 64);
	r->seen[n % WINDOW / 64] |= 1ULL << n % 64;
	if (n >= r->next)
		r->next = n + 1;
}

static void numbered_line(struct trail *t, const char *seq)
{
	char *end;
	uint64_t cpu = strtoull(seq, &end, 10);
	uint64_t ring = *end == ',' ? strtoull(end + 1, &end, 10) : RINGS;
	uint64_t n = *end == ',' ? strtoull(end + 1, &end, 10) : 0;
	struct row *r = row_of(t, cpu, ring);

	if (!r) {
		tell(t, "line %" PRIu64 ": seq names no cpu and ring", t->sums.lines);
		return;
	}
	if (n + WINDOW < r->next || (n < r->next && is_marked(r, n)))
		tell(t,
		     "line %" PRIu64 ": number %" PRIu64 " of cpu %" PRIu64 " ring %" PRIu64
		     " %s %" PRIu64,
		     t->sums.lines, n, cpu, ring,
		     n + WINDOW < r->next ? "comes long after" : "is there twice, up to",
		     r->next - 1);
	mark(r, n);
	r->lines++;
}

static void lost_line(struct trail *t, const char *line, size_t len)
{
	uint64_t cpu, ring, count;
	struct row *r;

	if (find(line, len, "\"stage\":\"ring\"") || find(line, len, "\"reason\":\"disk\"")) {
		if (number(line, len, "\"cpu\":", &cpu) && number(line, len, "\"ring\":", &ring) &&
		    number(line, len, "\"count\":", &count) && (r = row_of(t, cpu, ring)))
			r->reported += count;
	}
}

/* values: next, listed, filtered, missing as the batch has them. */
static void check_row(struct trail *t, uint64_t cpu, uint64_t ring, const uint64_t values[4])
{
	struct row *r = row_of(t, cpu, ring);

	if (!r)
		return;
	if (values[0] != values[1] + values[2] + values[3])
		tell(t,
		     "batch %" PRIu64 ": the sums of cpu %" PRIu64 " ring %" PRIu64
		     " do not add up",
		     t->batch, cpu, ring);
	if (r->known && r->listed + r->lines != values[1])
		tell(t,
		     "batch %" PRIu64 ": cpu %" PRIu64 " ring %" PRIu64 ": %" PRIu64
		     " lines were written up to number %" PRIu64 ", %" PRIu64 " are here",
		     t->batch, cpu, ring, values[1], values[0], r->listed + r->lines);
	r->known = true;
	r->listed = values[1];
	r->filtered = values[2];
	r->missing = values[3];
	r->lines = 0;
}

static void check_rows(struct trail *t, const char *at)
{
	while (at && *at == '[') {
		uint64_t v[6];
		char *end = (char *)(uintptr_t)at;

		for (int i = 0; i < 6; i++)
			v[i] = strtoull(end + 1, &end, 10);
		if (*end != ']')
			return;
		check_row(t, v[0], v[1], v + 2);
		at = end[1] == ',' ? end + 2 : NULL;
	}
}

static void check_order(struct trail *t, uint64_t batch, const char *prev)
{
	if (!t->any) {
		/* A trail may begin in the middle: the buffer holds so much and no more. */
		memcpy(t->last, prev, SHA256_HEX_LEN);
		return;
	}
	if (memcmp(prev, t->last, SHA256_HEX_LEN) == 0 && batch == t->batch + 1)
		return;
	tell(t, "between batch %" PRIu64 " and batch %" PRIu64 ": %s", t->batch, batch,
	     batch > t->batch + 1 ? "what was there is missing" : "the chain is broken");
	forget(t);
	t->whole = false;
}

static void end_of_batch(struct trail *t, const char *line, size_t len)
{
	const char *mark = memmem(line, len, ",\"hash\":\"", 9);
	const char *prev = find(line, len, "\"prev\":\"");
	const char *end = line + len;
	char hash[SHA256_HEX_LEN + 1];
	uint64_t batch;
	bool first = !t->any;

	if (!mark || end - mark < 9 + SHA256_HEX_LEN || !prev || end - prev < SHA256_HEX_LEN ||
	    !number(line, len, "\"batch\":", &batch)) {
		tell(t, "line %" PRIu64 ": an audit_batch without its hash", t->sums.lines);
		return;
	}
	if (first && memcmp(prev, t->last, SHA256_HEX_LEN) != 0 && !t->from_start)
		forget(t);
	sha256_add(&t->hash, line, (size_t)(mark - line));
	sha256_hex(&t->hash, hash);
	check_order(t, batch, prev);
	/* Of a trail that begins within a batch the first hash cannot be told. */
	if (t->whole && !(first && batch > 1) && memcmp(hash, mark + 9, SHA256_HEX_LEN) != 0)
		tell(t, "batch %" PRIu64 ": its lines are not those that were written", batch);
	memcpy(t->last, mark + 9, SHA256_HEX_LEN);
	t->batch = batch;
	t->any = true;
	t->sums.batches++;
	t->sums.ended = find(line, len, "\"end\":true");
	check_rows(t, find(line, len, "\"rings\":["));
	begin_batch(t);
}

void trail_line(struct trail *t, const char *line, size_t len)
{
	const char *seq;

	if (len == 0 || line[len - 1] != '\n')
		return;
	t->sums.lines++;
	t->sums.open++;
	/* Also what weaverfs has put in place of lines that it could not have. */
	if (*line != '{' || find(line, len, "\"details\":{\"stage\":\"weaverfs\"")) {
		tell(t, "line %" PRIu64 ": %.*s", t->sums.lines,
		     (int)(len - 1 < 200 ? len - 1 : 200), line);
		forget(t);
		t->whole = false;
		return;
	}
	if (is_type(line, len, "audit_batch")) {
		end_of_batch(t, line, len);
		return;
	}
	sha256_add(&t->hash, line, len);
	if (is_type(line, len, "audit_start"))
		start_of_run(t);
	else if (is_type(line, len, "audit_gap"))
		t->sums.gaps++;
	else if (is_type(line, len, "audit_lost"))
		lost_line(t, line, len);
	else if ((seq = find(line, len, ",\"seq\":[")))
		numbered_line(t, seq);
}

void trail_end(struct trail *t, struct trail_sums *ret)
{
	for (unsigned i = 0; i < CPUS * RINGS; i++) {
		const struct row *r = &t->rows[i / RINGS][i % RINGS];

		t->sums.listed += r->listed;
		t->sums.filtered += r->filtered;
		t->sums.missing += r->missing;
		t->sums.reported += r->reported;
		if (t->from_start && t->sums.ended && r->missing != r->reported)
			tell(t,
			     "cpu %u ring %u: %" PRIu64 " records are missing, %" PRIu64
			     " are reported as lost",
			     i / RINGS, i % RINGS, r->missing, r->reported);
	}
	*ret = t->sums;
}
