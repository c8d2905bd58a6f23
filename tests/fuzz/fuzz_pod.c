/* SPDX-License-Identifier: Apache-2.0 */
/* pod_parse(), event_parse(): any text gives an object whose strings can all be read, or none. */
#include "k8s/pod.c"

#include <assert.h>

#include "k8s/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t fuzz_sum(const struct pod_pair *pairs, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += strlen(pairs[i].key) + strlen(pairs[i].value);
	return sum;
}

static size_t fuzz_read(const struct pod *p)
{
	size_t sum = strlen(p->name) + strlen(p->namespace_) + strlen(p->uid) + strlen(p->phase) +
		     strlen(p->reason) + strlen(p->message) + strlen(p->node) + strlen(p->ip) +
		     strlen(p->hostname) + strlen(p->unschedulable) + strlen(p->image) +
		     strlen(p->workdir) + strlen(p->cpu_limit) + strlen(p->memory_limit);

	sum += fuzz_sum(p->labels, p->n_labels) + fuzz_sum(p->annotations, p->n_annotations) +
	       fuzz_sum(p->env, p->n_env);
	for (size_t i = 0; i < p->n_containers; i++)
		sum += strlen(p->containers[i].name) + strlen(p->containers[i].id) +
		       strlen(p->containers[i].reason) + strlen(p->containers[i].message);
	for (size_t i = 0; p->command[i]; i++)
		sum += strlen(p->command[i]);
	for (size_t i = 0; p->args[i]; i++)
		sum += strlen(p->args[i]);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT, word = BUF_INIT;
	struct pod *pod;
	struct event *ev;
	int ready, total, restarts;

	buf_add(&json, data, len);
	if (event_parse(buf_str(&json), &ev, NULL) == 0) {
		assert(strlen(ev->uid) + strlen(ev->message) + strlen(ev->reason) < len);
		event_free(ev);
	}
	int r = pod_parse(buf_str(&json), "weaver", &pod, NULL);
	assert(r == 0 || r == -EPROTO);
	if (r < 0)
		return 0;
	assert(*pod->name && *pod->uid && fuzz_read(pod) > 0);
	assert(!pod_main(pod) || pod->main < pod->n_containers);
	pod_status_word(pod, &word);
	pod_ready_counts(pod, &ready, &total, &restarts);
	assert(ready <= total);
	pod_unref(pod);
	return 0;
}
