/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/limit.h"

#include "k8s/base/clock.h"

static void fill(struct limit_kind *k, uint64_t rate, uint64_t now_ns)
{
	uint64_t full = rate * LIMIT_BURST_S;

	if (k->filled_ns == 0 || now_ns >= k->filled_ns + LIMIT_BURST_S * CLOCK_NS_PER_S) {
		k->tokens = full;
		k->filled_ns = now_ns;
		return;
	}
	if (now_ns <= k->filled_ns) /* another CPU's records were handed over first */
		return;
	uint64_t came = (now_ns - k->filled_ns) * rate / CLOCK_NS_PER_S;

	k->tokens = k->tokens + came < full ? k->tokens + came : full;
	k->filled_ns += came * CLOCK_NS_PER_S / rate;
}

bool limit_take(struct limit *l, const struct event *ev)
{
	struct limit_kind *k = &l->kind[ev->type];

	if (l->rate == 0 || ev->ring == RING_CRITICAL || ev->type == EVENT_LOST)
		return true;
	fill(k, l->rate, ev->time_ns);
	if (k->tokens > 0) {
		k->tokens--;
		return true;
	}
	if (k->over++ == 0)
		k->first_ns = ev->time_ns;
	k->last_ns = ev->time_ns;
	return false;
}

bool limit_tell(struct limit *l, uint64_t now_ns, bool last, struct limit_row *ret)
{
	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		struct limit_kind *k = &l->kind[type];
		bool ended = k->told && (last || now_ns >= k->last_ns + CLOCK_NS_PER_S);

		if (k->over == 0 || (k->told && !ended))
			continue;
		*ret = (struct limit_row){ .type = type,
					   .ended = ended,
					   .over = k->over,
					   .first_ns = k->first_ns,
					   .last_ns = k->last_ns };
		k->told = !ended;
		if (ended)
			k->over = 0;
		return true;
	}
	return false;
}
