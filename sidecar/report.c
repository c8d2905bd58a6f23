/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/report.h"

#include <string.h>
#include <sys/utsname.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/chain.h"
#include "sidecar/ledger.h"
#include "sidecar/limit.h"
#include "sidecar/probes.h"
#include "sidecar/seen.h"
#include "sidecar/settings.h"
#include "sidecar/tally.h"

#define TEXT_MOST 200
#define ROW_ROOM 160 /* bytes of one row of a batch, at most */

static void add_text(struct line *l, const char *s)
{
	line_string(l, s, strlen(s), TEXT_MOST);
}

static void add_groups(struct line *l, struct stats *stats)
{
	lock_guard(&stats->lock);
	line_key(l, "groups");
	line_open(l, "[");
	for (unsigned i = 0; i < stats->group_count && line_room(l) > 2 * TEXT_MOST; i++) {
		const struct stats_group *g = &stats->groups[i];

		line_comma(l);
		line_open(l, "{");
		line_key(l, "name");
		add_text(l, g->name);
		line_key(l, "means");
		add_text(l, g->means);
		line_key_unsigned(l, "attached", g->attached);
		line_key_unsigned(l, "expected", g->expected);
		if (g->reason[0]) {
			line_key(l, "reason");
			add_text(l, g->reason);
		}
		line_shut(l, "}");
	}
	line_shut(l, "]");
}

void report_start(const struct encoder *c, const struct settings *settings, const struct seen *seen,
		  const struct report_scope *scope, struct stats *stats, struct line *l)
{
	struct utsname host;

	uname(&host);
	encode_begin(c, l, "audit_start", clock_realtime_ns());
	line_key_unsigned(l, "run", seen->run);
	line_key(l, "version");
	add_text(l, WEAVERFS_VERSION);
	line_key(l, "kernel");
	add_text(l, host.release);
	line_key(l, "pod_name");
	add_text(l, settings->pod_name);
	line_key(l, "pod_namespace");
	add_text(l, settings->pod_namespace);
	line_key_unsigned(l, "pod_cgroup", scope->pod_cgroup);
	line_key(l, "scope");
	add_text(l, scope->pod);
	line_key_unsigned(l, "level", scope->level);
	line_key_true(l, "cgroup_v1", scope->v1);
	line_key_unsigned(l, "read_sample", (uint64_t)settings->read_sample);
	line_key_unsigned(l, "rate_limit", (uint64_t)settings->rate_limit);
	line_key(l, "paths_ignore");
	add_text(l, settings->paths_ignore);
	line_key(l, "paths_always");
	add_text(l, settings->paths_always);
	add_groups(l, stats);
	encode_end(l);
}

void report_gap(const struct encoder *c, const struct seen *seen, int64_t to_ns, struct line *l)
{
	encode_begin(c, l, "audit_gap", to_ns);
	line_key_signed(l, "from", seen->last_ns);
	line_key_signed(l, "to", to_ns);
	line_key_unsigned(l, "run", seen->run);
	line_key(l, "reason");
	add_text(l, seen->clean ? "stopped" : "killed");
	encode_end(l);
}

static void begin_lost(const struct encoder *c, enum stats_drop drop, struct line *l)
{
	encode_begin(c, l, "audit_lost", clock_realtime_ns());
	line_key(l, "stage");
	add_text(l, stats_drop_stages[drop]);
	line_key(l, "reason");
	add_text(l, stats_drop_reasons[drop]);
}

void report_lost(const struct encoder *c, enum stats_drop drop, const struct tally_row *row,
		 struct line *l)
{
	bool own = row->type == TALLY_OWN;

	begin_lost(c, drop, l);
	line_key(l, "kind");
	add_text(l, own ? "audit" : encode_type_name(row->type));
	if (!own) {
		line_key_unsigned(l, "cpu", row->cpu);
		line_key_unsigned(l, "ring", row->ring);
	}
	line_key_unsigned(l, "count", row->count);
	line_key_signed(l, "first_ts", row->first_ns);
	line_key_signed(l, "last_ts", row->last_ns);
	encode_end(l);
}

void report_unsendable(const struct encoder *c, enum stats_drop drop, uint64_t count,
		       struct line *l)
{
	begin_lost(c, drop, l);
	line_key_unsigned(l, "count", count);
	encode_end(l);
}

void report_limit(const struct encoder *c, const struct limit_row *row, uint64_t rate,
		  struct line *l)
{
	encode_begin(c, l, "audit_limit", clock_realtime_ns());
	line_key(l, "kind");
	add_text(l, encode_type_name(row->type));
	line_key(l, "state");
	add_text(l, row->ended ? "stop" : "start");
	line_key_unsigned(l, "rate", rate);
	line_key_signed(l, "first_ts", encode_realtime(c, row->first_ns));
	if (row->ended) {
		line_key_unsigned(l, "count", row->over);
		line_key_signed(l, "last_ts", encode_realtime(c, row->last_ns));
	}
	encode_end(l);
}

/* ---- heartbeat ---- */

static void add_produced(struct line *l, const struct probes_counters *p)
{
	line_key(l, "produced");
	line_open(l, "{");
	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		uint64_t produced = 0, lost = 0;

		for (unsigned cpu = 0; cpu < p->cpus; cpu++) {
			for (unsigned ring = 0; ring < RING_COUNT; ring++) {
				produced += p->count[cpu][ring][type].produced;
				lost += p->count[cpu][ring][type].lost;
			}
		}
		if (produced == 0)
			continue;
		line_comma(l);
		add_text(l, encode_type_name(type));
		line_text(l, ":[");
		line_unsigned(l, produced);
		line_text(l, ",");
		line_unsigned(l, lost);
		line_text(l, "]");
	}
	line_shut(l, "}");
}

static void add_counts(struct line *l, const struct stats *s)
{
	line_key(l, "captured");
	line_open(l, "{");
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
		if (s->captured[i] == 0)
			continue;
		line_comma(l);
		add_text(l, encode_type_name(i));
		line_text(l, ":");
		line_unsigned(l, s->captured[i]);
	}
	line_shut(l, "}");
	line_key(l, "dropped");
	line_open(l, "{");
	for (unsigned i = 0; i < STATS_DROP_COUNT; i++) {
		if (s->dropped[i] == 0)
			continue;
		line_comma(l);
		line_text(l, "\"");
		line_raw(l, stats_drop_stages[i], strlen(stats_drop_stages[i]));
		line_text(l, "/");
		line_raw(l, stats_drop_reasons[i], strlen(stats_drop_reasons[i]));
		line_text(l, "\":");
		line_unsigned(l, s->dropped[i]);
	}
	line_shut(l, "}");
}

static void add_misses(struct line *l, const struct stats *s)
{
	line_key(l, "misses");
	line_open(l, "{");
	for (unsigned i = 0; i < s->program_count && line_room(l) > TEXT_MOST; i++) {
		if (s->programs[i].misses == 0)
			continue;
		line_comma(l);
		add_text(l, s->programs[i].name);
		line_text(l, ":");
		line_unsigned(l, s->programs[i].misses);
	}
	line_shut(l, "}");
}

void report_heartbeat(const struct encoder *c, const struct seen *seen, const struct ledger *ledger,
		      struct stats *stats, const struct probes_counters *produced, struct line *l)
{
	struct ledger_row sum;

	ledger_total(ledger, &sum);
	encode_begin(c, l, "audit_heartbeat", clock_realtime_ns());
	line_key_unsigned(l, "run", seen->run);
	line_key_unsigned(l, "numbered", sum.next);
	line_key_unsigned(l, "listed", sum.listed);
	line_key_unsigned(l, "filtered", sum.filtered);
	line_key_unsigned(l, "missing", sum.missing);
	{
		lock_guard(&stats->lock);
		add_counts(l, stats);
		add_misses(l, stats);
	}
	if (produced)
		add_produced(l, produced);
	encode_end(l);
}

/* ---- batch ---- */

static unsigned add_rows(struct line *l, const struct ledger *ledger)
{
	unsigned cpu = 0, ring = 0, n = 0;
	const struct ledger_row *row;

	line_key(l, "rings");
	line_open(l, "[");
	while (line_room(l) > ROW_ROOM && (row = ledger_next_moved(ledger, &cpu, &ring))) {
		const uint64_t numbers[] = { cpu,         ring,          row->next,
					     row->listed, row->filtered, row->missing };

		line_comma(l);
		line_open(l, "[");
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
			line_comma(l);
			line_unsigned(l, numbers[i]);
		}
		line_shut(l, "]");
		n++;
		ring++;
	}
	line_shut(l, "]");
	return n;
}

int report_batch(const struct encoder *c, const struct report_batch *batch,
		 const struct chain *chain, const struct ledger *ledger, struct line *l,
		 unsigned *ret_rows, struct error *e)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	char hash[SEGMENT_HASH_LEN + 1];

	encode_begin(c, l, "audit_batch", clock_realtime_ns());
	line_key_unsigned(l, "batch", chain_batch(chain) + 1);
	line_key_unsigned(l, "run", batch->run);
	line_key_unsigned(l, "offset", batch->offset);
	line_key_unsigned(l, "lines", batch->lines);
	line_key_true(l, "end", batch->end);
	*ret_rows = add_rows(l, ledger);
	line_key(l, "prev");
	add_text(l, chain_last(chain));
	buf_add(&all, batch->pending, batch->len);
	buf_add(&all, l->bytes, l->len);
	if (buf_error(&all))
		return error_oom(e);
	int r = chain_hash(chain, buf_str(&all), all.len, hash, e);
	if (r < 0)
		return r;
	line_text(l, CHAIN_HASH);
	line_raw(l, hash, SEGMENT_HASH_LEN);
	line_text(l, "\"");
	encode_end(l);
	return 0;
}
