/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of `kubectl get pods`: STATUS, READY and RESTARTS as kube-apiserver prints them
 * (pkg/printers/internalversion/printers.go, printPod, 1.34). Kept in that function's order, so
 * that the two can be read side by side; a test compares every fixture with the server's own row.
 */
#include "k8s/pod.h"

#include <string.h>

/* What the walk over the init containers found. */
struct init_walk {
	const struct pod_container *failing; /* NULL: all are through, or run as sidecars */
	size_t index;                        /* how many statuses came before it */
	int restarts, sidecar_restarts;
	int ready;
};

static struct init_walk walk_init(const struct pod *p)
{
	struct init_walk w = { 0 };
	size_t seen = 0;

	for (size_t i = 0; i < p->n_init; i++) {
		const struct pod_container *c = &p->init[i];
		if (c->state == POD_STATE_NONE)
			continue;
		w.restarts += c->restarts;
		w.sidecar_restarts += c->restartable ? c->restarts : 0;
		size_t index = seen++;
		if (c->state == POD_STATE_TERMINATED && c->exit_code == 0)
			continue;
		if (c->restartable && c->started) {
			w.ready += c->ready;
			continue;
		}
		w.failing = c;
		w.index = index;
		break;
	}
	return w;
}

/* A terminated state in a word: its reason, else the signal, else the exit code. */
static void add_terminated(struct buf *out, const struct pod_container *c)
{
	if (*c->reason)
		buf_add_str(out, c->reason);
	else if (c->signal != 0)
		buf_printf(out, "Signal:%d", c->signal);
	else
		buf_printf(out, "ExitCode:%d", c->exit_code);
}

static void init_word(const struct pod *p, const struct init_walk *w, struct buf *out)
{
	const struct pod_container *c = w->failing;

	buf_add_str(out, "Init:");
	if (c->state == POD_STATE_TERMINATED)
		add_terminated(out, c);
	else if (c->state == POD_STATE_WAITING && *c->reason &&
		 strcmp(c->reason, "PodInitializing") != 0)
		buf_add_str(out, c->reason);
	else
		buf_printf(out, "%zu/%zu", w->index, p->n_init);
}

/* Has c a say in the word, instead of running or having no status? */
static bool is_telling(const struct pod_container *c)
{
	return c->state == POD_STATE_TERMINATED || (c->state == POD_STATE_WAITING && *c->reason);
}

/* The first telling container in the order of the statuses; *ret_running: one is up and ready. */
static const struct pod_container *telling_container(const struct pod *p, bool *ret_running)
{
	const struct pod_container *first = NULL;

	*ret_running = false;
	for (size_t i = 0; i < p->n_containers; i++) {
		const struct pod_container *c = &p->containers[i];
		if (is_telling(c) && (!first || c->order < first->order))
			first = c;
		*ret_running |= c->state == POD_STATE_RUNNING && c->ready;
	}
	return first;
}

static bool is_finished(const struct pod *p)
{
	return strcmp(p->phase, "Succeeded") == 0 || strcmp(p->phase, "Failed") == 0;
}

/* The word without what a deletion makes of it. */
static void living_word(const struct pod *p, struct buf *out)
{
	struct init_walk init = walk_init(p);
	bool running = false;
	const struct pod_container *c = NULL;

	if (!init.failing || p->initialized)
		c = telling_container(p, &running);
	size_t start = out->len;
	if (c)
		add_terminated(out, c);
	else if (init.failing)
		init_word(p, &init, out);
	else if (p->scheduling_gated)
		buf_add_str(out, "SchedulingGated");
	else
		buf_add_str(out, *p->reason ? p->reason : p->phase);
	if (!running || buf_error(out) < 0 || strcmp(buf_str(out) + start, "Completed") != 0)
		return;
	out->len = start;
	buf_add_str(out, p->pod_ready ? "Running" : "NotReady");
}

void pod_status_word(const struct pod *p, struct buf *out)
{
	if (p->deleted_s != 0 && strcmp(p->reason, "NodeLost") == 0)
		buf_add_str(out, "Unknown");
	else if (p->deleted_s != 0 && !is_finished(p))
		buf_add_str(out, "Terminating");
	else
		living_word(p, out);
}

void pod_ready_counts(const struct pod *p, int *ready, int *total, int *restarts)
{
	struct init_walk init = walk_init(p);

	*ready = init.ready;
	*total = (int)p->n_containers;
	*restarts = init.restarts;
	for (size_t i = 0; i < p->n_init; i++)
		*total += p->init[i].restartable;
	if (init.failing && !p->initialized)
		return;
	*restarts = init.sidecar_restarts;
	for (size_t i = 0; i < p->n_containers; i++) {
		const struct pod_container *c = &p->containers[i];
		*restarts += c->restarts;
		*ready += c->state == POD_STATE_RUNNING && c->ready;
	}
}
