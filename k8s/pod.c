/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a pod: made from JSON, shared by reference, asked for its words. managedFields, 40 %
 * of a pod's bytes, are cut out before cJSON sees them; the tree lives for one call; pack.c puts
 * what pod_fill.c takes from it into one allocation. After that it never changes, so readers need
 * no lock.
 */
#include "k8s/pod.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/pod_fill.h"
#include "k8s/scan.h"

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

/*
 * json without metadata.managedFields, into out. As the server writes it, without blanks; inside a
 * string the quotes would carry backslashes, so that the needle is a real key.
 */
static void strip_managed_fields(const char *json, struct buf *out)
{
	static const char needle[] = "\"managedFields\":[";
	const char *end = json + strlen(json);
	const char *at = strstr(json, needle);
	const char *value = at ? at + sizeof(needle) - 2 : NULL;
	const char *rest = at ? scan_value_end(value, end) : NULL;

	if (!rest) {
		buf_add(out, json, (size_t)(end - json));
		return;
	}
	buf_add(out, json, (size_t)(value - json));
	buf_add_str(out, "[]");
	buf_add(out, rest, (size_t)(end - rest));
}

static bool is_pod(const cJSON *tree)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(tree, "metadata");
	const cJSON *name_item = cJSON_GetObjectItemCaseSensitive(metadata, "name");
	const char *name = cJSON_GetStringValue(name_item);
	const char *uid = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "uid"));

	return name && *name && uid && *uid;
}

int pod_parse(const char *json, const char *main_container, struct pod **ret, struct error *e)
{
	_cleanup_(buf_done) struct buf bytes = BUF_INIT;
	strip_managed_fields(json, &bytes);
	if (buf_error(&bytes) < 0)
		return error_oom(e);
	_cleanup_(cJSON_Deletep) cJSON *tree = cJSON_ParseWithLength(buf_str(&bytes), bytes.len);
	if (!is_pod(tree))
		return error_set(e, EPROTO, "pod: the server sent an object without name and uid");

	_cleanup_(pack_done) struct pack pack = { 0 };
	struct pod measured = { 0 };
	pack_table(&pack, 1, sizeof(measured));
	pod_fill_all(&pack, &measured, tree, main_container);
	struct pod *pod = pack_begin(&pack);
	if (!pod)
		return error_oom(e);
	pack_table(&pack, 1, sizeof(*pod));
	pod_fill_all(&pack, pod, tree, main_container);
	pod->refs = 1;
	*ret = pod;
	return 0;
}

struct pod *pod_ref(const struct pod *p)
{
	/* the count is the one thing that changes in an immutable pod */
	struct pod *mutable = (struct pod *)(uintptr_t)p;

	__atomic_add_fetch(&mutable->refs, 1, __ATOMIC_RELAXED);
	return mutable;
}

void pod_unref(struct pod *p)
{
	if (!p)
		return;
	int refs = __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL);
	assert(refs >= 0);
	if (refs == 0)
		free(p);
}

static const char *find_pair(const struct pod_pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(pairs[i].key, key) == 0)
			return pairs[i].value;
	}
	return NULL;
}

const char *pod_label(const struct pod *p, const char *key)
{
	return find_pair(p->labels, p->n_labels, key);
}

const char *pod_annotation(const struct pod *p, const char *key)
{
	return find_pair(p->annotations, p->n_annotations, key);
}

const struct pod_container *pod_main(const struct pod *p)
{
	return p->n_containers ? &p->containers[p->main] : NULL;
}

size_t pod_size(const struct pod *p)
{
	return malloc_usable_size((void *)(uintptr_t)p);
}

/*
 * The words of `kubectl get pods`: STATUS, READY and RESTARTS as kube-apiserver prints them
 * (pkg/printers/internalversion/printers.go, printPod, 1.34). Kept in that function's order, so
 * that the two can be read side by side; a test compares every fixture with the server's own row.
 */

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
