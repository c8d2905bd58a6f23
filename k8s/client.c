/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls of one client have in common: the cluster, whether the server is there, its clock,
 * and counts. Everything that other threads ask for is in struct client_state under its lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/cluster.h"
#include "k8s/request_private.h"

#define CLIENT_PROBE_NS CLOCK_NS_PER_S
/* What NTP may bend either clock by is 500 ppm. */
#define CLIENT_DRIFT_DIVISOR 1000

/*
 * How long each of the probes waits. What was lost on the way does not arrive later: a probe that
 * is begun anew each second finds a server within a second of its return. One that answers, but
 * takes longer than that, is found by the other, and only while it is away.
 */
enum { CLIENT_PROBE_QUICK, CLIENT_PROBE_PATIENT };
static const int64_t client_patience_ns[CLIENT_PROBES] = { CLIENT_PROBE_NS, 10 * CLOCK_NS_PER_S };

static void client_fire_probe(struct loop_timer *t);

int client_new(struct loop *loop, struct cluster *cluster, const char *user_agent,
	       struct client **ret, struct error *e)
{
	struct client *c = calloc(1, sizeof(*c));
	struct client_state *state = calloc(1, sizeof(*state));
	char *agent = strdup(user_agent);

	if (!c || !state || !agent) {
		free(c);
		free(state);
		free(agent);
		cluster_free(cluster);
		return error_oom(e);
	}
	lock_init(&state->lock, LOCK_LEAF);
	state->latency_ms = -1;
	c->loop = loop;
	c->cluster = cluster;
	c->user_agent = agent;
	c->state = state;
	list_init(&c->requests);
	loop_timer_init(&c->probe_timer, client_fire_probe);
	*ret = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	loop_timer_cancel(&c->probe_timer);
	for (size_t i = 0; i < CLIENT_PROBES; i++)
		if (c->probes[i])
			request_cancel(c->probes[i]);
	cluster_free(c->cluster);
	lock_done(&c->state->lock);
	free(c->state);
	free(c->user_agent);
	free(c);
}

struct loop *client_loop(struct client *c)
{
	return c->loop;
}

struct cluster *client_cluster(struct client *c)
{
	return c->cluster;
}

bool client_away(const struct client *c, struct error *e)
{
	char since[RFC3339_SECONDS_LEN + 1];

	lock_guard(&c->state->lock);
	if (!c->state->away)
		return false;
	rfc3339_format(c->state->away_since_s, since);
	error_set(e, c->state->away_error.code, "the API server is away since %s: %s", since,
		  c->state->away_error.text);
	return true;
}

int64_t client_clock_skew_ms(const struct client *c)
{
	lock_guard(&c->state->lock);
	return c->state->skew_ms;
}

/* The lower bound loses weight as it ages: either clock may run wrong by a little. */
static int64_t client_offset_ms(const struct client_state *s, int64_t now_ms)
{
	return s->offset_ms - (now_ms - s->offset_at_ms) / CLIENT_DRIFT_DIVISOR;
}

int64_t client_server_time(const struct client *c)
{
	int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;

	lock_guard(&c->state->lock);
	if (!c->state->clock_known)
		return clock_realtime_ns() / CLOCK_NS_PER_S;
	return (now_ms + client_offset_ms(c->state, now_ms)) / 1000;
}

int64_t client_latency_ms(const struct client *c)
{
	lock_guard(&c->state->lock);
	return c->state->latency_ms;
}

void client_counts(const struct client *c, uint64_t *calls, uint64_t *failures)
{
	lock_guard(&c->state->lock);
	*calls = c->state->calls;
	*failures = c->state->failures;
}

/*
 * The header was made after we sent and before now, and shows a second that had begun: the
 * server's clock is at least date now, and was less than date + 1 s when we sent. Of many answers
 * the highest lower bound is the best, until an upper bound says that the clock was set back.
 */
void client_note_date(struct client *c, int64_t date_s, int64_t sent_ns)
{
	int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;
	int64_t sent_ms = sent_ns / CLOCK_NS_PER_MS;
	int64_t local_ms = clock_realtime_ns() / CLOCK_NS_PER_MS - (now_ms - sent_ms) / 2;
	int64_t low_ms = date_s * 1000 - now_ms;
	int64_t high_ms = date_s * 1000 + 1000 - sent_ms;

	if (date_s <= 0)
		return;
	lock_guard(&c->state->lock);
	struct client_state *s = c->state;
	s->skew_ms = date_s * 1000 + 500 - local_ms;
	if (s->clock_known) {
		int64_t known_ms = client_offset_ms(s, now_ms);
		if (known_ms > low_ms && known_ms < high_ms)
			low_ms = known_ms;
	}
	s->offset_ms = low_ms;
	s->offset_at_ms = now_ms;
	s->clock_known = true;
}

/* A 5xx may come from a proxy whose server is away, or from a server that has lost its etcd. */
void client_note_answered(struct client *c, int http)
{
	if (http >= 500)
		return;
	c->answered_ns = clock_monotonic_ns();
	loop_timer_cancel(&c->probe_timer);
	lock_guard(&c->state->lock);
	c->state->away = false;
}

void client_note_unanswered(struct client *c, const struct error *why)
{
	lock_guard(&c->state->lock);
	if (!c->state->away)
		c->state->away_since_s = clock_realtime_ns() / CLOCK_NS_PER_S;
	bool began = !c->state->away;
	c->state->away = true;
	c->state->away_error = *why;
	/* At once: who is back must not keep mkdir failing for a second. */
	if (began)
		loop_timer_set(c->loop, &c->probe_timer, 0);
}

void client_note_end(struct client *c, const struct request *r)
{
	if (r->probe)
		return;
	lock_guard(&c->state->lock);
	c->state->calls++;
	if (r->result < 0)
		c->state->failures++;
	if (r->http && !r->spec.on_data)
		c->state->latency_ms = (clock_monotonic_ns() - r->started_ns) / CLOCK_NS_PER_MS;
}

static void client_probed(void *data, const struct reply *reply)
{
	struct request **probe = data;

	(void)reply; /* the request itself has said whether there was an answer */
	*probe = NULL;
}

static void client_probe_start(struct client *c, int which)
{
	const struct request_spec spec = {
		.method = REQUEST_GET,
		.path = "/readyz",
		.deadline_ns = clock_monotonic_ns() + client_patience_ns[which],
		.on_done = client_probed,
		.data = &c->probes[which],
	};

	if (!c->probes[which])
		c->probes[which] = request_start_probe(c, &spec);
}

void client_probe(struct client *c)
{
	client_probe_start(c, CLIENT_PROBE_QUICK);
}

static void client_fire_probe(struct loop_timer *t)
{
	struct client *c = container_of(t, struct client, probe_timer);

	if (!client_away(c, NULL))
		return;
	loop_timer_set(c->loop, t, clock_monotonic_ns() + CLIENT_PROBE_NS);
	client_probe_start(c, CLIENT_PROBE_QUICK);
	client_probe_start(c, CLIENT_PROBE_PATIENT);
}

static void client_renewed(void *data, int result, const struct error *e)
{
	struct client *c = data;

	/* request_renewed() only sets timers: nobody is called, the list stays. */
	c->renewing = false;
	list_for_each(r, &c->requests, struct request, node)
		if (r->renewing)
			request_renewed(r, result, e);
}

void client_renew(struct client *c)
{
	if (c->renewing)
		return;
	c->renewing = true;
	cluster_renew(c->cluster, c->loop, client_renewed, c);
}
