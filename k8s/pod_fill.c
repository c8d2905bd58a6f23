/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the tree of a Pod to the fields of struct pod. The filling runs twice, once to measure (see
 * pack.h): it must take the same path both times, so it looks at the tree alone. Whatever has the
 * wrong type counts as missing: the server is trusted to be sane, not to be right.
 */
#include "k8s/pod_fill.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/rfc3339.h"

/* Longer ones are the state of other tools (last-applied-configuration), not ours. */
#define ANNOTATION_MAX 4096

static const cJSON *get(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* NULL: not there, or no string. */
static const char *get_string(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(get(object, key));
}

static int64_t get_number(const cJSON *object, const char *key)
{
	const cJSON *n = get(object, key);

	/* 2^53: beyond it a double is no whole number any more */
	if (!cJSON_IsNumber(n) || n->valuedouble < -0x1p53 || n->valuedouble > 0x1p53)
		return 0;
	return (int64_t)n->valuedouble;
}

static int get_int(const cJSON *object, const char *key)
{
	const cJSON *n = get(object, key);

	return cJSON_IsNumber(n) ? n->valueint : 0;
}

static bool get_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(get(object, key));
}

static int64_t get_time(const cJSON *object, const char *key)
{
	const char *s = get_string(object, key);
	int64_t seconds = 0;

	return s && rfc3339_parse_seconds(s, &seconds, NULL) == 0 ? seconds : 0;
}

static const cJSON *find_named(const cJSON *array, const char *key, const char *value,
			       unsigned *ret_index)
{
	const cJSON *item;
	unsigned index = 0;

	cJSON_ArrayForEach(item, array) {
		const char *s = get_string(item, key);
		if (s && strcmp(s, value) == 0) {
			if (ret_index)
				*ret_index = index;
			return item;
		}
		index++;
	}
	return NULL;
}

static size_t count(const cJSON *array)
{
	return array ? (size_t)cJSON_GetArraySize(array) : 0;
}

/* Does any label have the domain of this annotation's key? Then it is of the pod's own kind. */
static bool has_domain_of_labels(const char *key, const cJSON *labels)
{
	const char *slash = strchr(key, '/');
	const cJSON *label;

	if (!slash)
		return true;
	cJSON_ArrayForEach(label, labels) {
		if (strncmp(label->string, key, (size_t)(slash - key) + 1) == 0)
			return true;
	}
	return false;
}

static bool is_wanted_annotation(const cJSON *annotation, const cJSON *labels)
{
	const char *value = cJSON_GetStringValue(annotation);

	return value && (strlen(value) <= ANNOTATION_MAX ||
			 has_domain_of_labels(annotation->string, labels));
}

/* map: a JSON object of strings. For annotations, labels decides which are wanted. */
static const struct pod_pair *fill_map(struct pack *p, const cJSON *map, const cJSON *labels,
				       size_t *ret_n)
{
	struct pod_pair *pairs = pack_table(p, count(map), sizeof(*pairs));
	const cJSON *item;
	size_t n = 0;

	*ret_n = 0;
	if (!pairs)
		return NULL;
	cJSON_ArrayForEach(item, map) {
		if (!is_wanted_annotation(item, labels))
			continue;
		pairs[n].key = pack_word(p, item->string);
		pairs[n++].value = pack_string(p, cJSON_GetStringValue(item));
	}
	*ret_n = n;
	return pairs;
}

static size_t count_literal(const cJSON *env)
{
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach(item, env)
		n += !get(item, "valueFrom");
	return n;
}

static const struct pod_pair *fill_env(struct pack *p, const cJSON *env, size_t *ret_n)
{
	struct pod_pair *pairs = pack_table(p, count_literal(env), sizeof(*pairs));
	const cJSON *item;
	size_t n = 0;

	*ret_n = 0;
	if (!pairs)
		return NULL;
	cJSON_ArrayForEach(item, env) {
		if (get(item, "valueFrom"))
			continue;
		pairs[n].key = pack_word(p, get_string(item, "name"));
		pairs[n++].value = pack_string(p, get_string(item, "value"));
	}
	*ret_n = n;
	return pairs;
}

/* A NULL-terminated vector; never NULL for its readers. */
static const char *const *fill_vector(struct pack *p, const cJSON *array)
{
	static const char *const empty[] = { NULL };
	size_t n = count(array);
	const cJSON *item;

	if (n == 0)
		return empty;
	const char **vector = pack_table(p, n + 1, sizeof(*vector));
	if (!vector)
		return empty;
	size_t i = 0;
	cJSON_ArrayForEach(item, array)
		vector[i++] = pack_string(p, cJSON_GetStringValue(item));
	return vector;
}

static void fill_state(struct pack *p, struct pod_container *c, const cJSON *state)
{
	const cJSON *running = get(state, "running");
	const cJSON *terminated = get(state, "terminated");
	const cJSON *told = terminated ? terminated : get(state, "waiting");

	/* the API's rule: a status without a state is waiting */
	c->state = terminated ? POD_STATE_TERMINATED
		   : running  ? POD_STATE_RUNNING
			      : POD_STATE_WAITING;
	c->reason = pack_word(p, running ? NULL : get_string(told, "reason"));
	c->message = pack_string(p, running ? NULL : get_string(told, "message"));
	c->exit_code = get_int(terminated, "exitCode");
	c->signal = get_int(terminated, "signal");
	c->started_s = get_time(running ? running : terminated, "startedAt");
	c->finished_s = get_time(terminated, "finishedAt");
}

/* Of a name that is there twice the later one wins, as in the container. */
static uint16_t find_metrics_port(const cJSON *env)
{
	static const char suffix[] = "_METRICS_PORT";
	const cJSON *item;
	uint16_t port = 0;

	cJSON_ArrayForEach(item, env) {
		const char *name = get_string(item, "name"), *value = get_string(item, "value");
		size_t len = name ? strlen(name) : 0;
		char *end;

		if (!value || len < strlen(suffix) ||
		    strcmp(name + len - strlen(suffix), suffix) != 0)
			continue;
		unsigned long number = strtoul(value, &end, 10);
		port = *end || number > UINT16_MAX ? 0 : (uint16_t)number;
	}
	return port;
}

static void fill_container(struct pack *p, struct pod_container *c, const cJSON *spec,
			   const cJSON *statuses)
{
	const char *name = get_string(spec, "name");
	const char *policy = get_string(spec, "restartPolicy");
	unsigned order = 0;
	const cJSON *status = find_named(statuses, "name", name ? name : "", &order);

	c->name = pack_word(p, name);
	c->id = pack_string(p, get_string(status, "containerID"));
	c->restartable = policy && strcmp(policy, "Always") == 0;
	c->metrics_port = find_metrics_port(get(spec, "env"));
	if (!status) {
		c->reason = c->message = pack_word(p, NULL);
		return;
	}
	fill_state(p, c, get(status, "state"));
	c->order = (unsigned char)(order < UINT8_MAX ? order : UINT8_MAX);
	c->restarts = get_int(status, "restartCount");
	c->ready = get_true(status, "ready");
	c->started = get_true(status, "started");
}

static const struct pod_container *fill_containers(struct pack *p, const cJSON *specs,
						   const cJSON *statuses, size_t *ret_n)
{
	size_t n = count(specs), i = 0;
	struct pod_container *containers = pack_table(p, n, sizeof(*containers));
	const cJSON *spec;

	*ret_n = containers ? n : 0;
	if (!containers)
		return NULL;
	cJSON_ArrayForEach(spec, specs)
		fill_container(p, &containers[i++], spec, statuses);
	return containers;
}

static void fill_main(struct pack *p, struct pod *pod, const cJSON *main)
{
	const cJSON *limits = get(get(main, "resources"), "limits");

	pod->image = pack_word(p, get_string(main, "image"));
	pod->workdir = pack_word(p, get_string(main, "workingDir"));
	pod->command = fill_vector(p, get(main, "command"));
	pod->args = fill_vector(p, get(main, "args"));
	pod->env = fill_env(p, get(main, "env"), &pod->n_env);
	pod->cpu_limit = pack_word(p, get_string(limits, "cpu"));
	pod->memory_limit = pack_word(p, get_string(limits, "memory"));
	pod->tty = get_true(main, "tty");
}

static bool condition_is(const cJSON *conditions, const char *type, const char *status)
{
	const char *s = get_string(find_named(conditions, "type", type, NULL), "status");

	return s && strcmp(s, status) == 0;
}

static void fill_status(struct pack *p, struct pod *pod, const cJSON *status)
{
	const cJSON *conditions = get(status, "conditions");
	const cJSON *scheduled = find_named(conditions, "type", "PodScheduled", NULL);
	const char *why = get_string(scheduled, "reason");
	bool stuck = why && strcmp(why, "Unschedulable") == 0 &&
		     condition_is(conditions, "PodScheduled", "False");

	pod->phase = pack_word(p, get_string(status, "phase"));
	pod->reason = pack_word(p, get_string(status, "reason"));
	pod->message = pack_string(p, get_string(status, "message"));
	pod->ip = pack_string(p, get_string(status, "podIP"));
	pod->started_s = get_time(status, "startTime");
	pod->initialized = condition_is(conditions, "Initialized", "True");
	pod->pod_ready = condition_is(conditions, "Ready", "True");
	pod->scheduling_gated = why && strcmp(why, "SchedulingGated") == 0;
	pod->unschedulable = pack_string(p, stuck ? get_string(scheduled, "message") : NULL);
}

void pod_fill_all(struct pack *p, struct pod *pod, const cJSON *tree, const char *main_name)
{
	const cJSON *metadata = get(tree, "metadata");
	const cJSON *spec = get(tree, "spec");
	const cJSON *status = get(tree, "status");
	const cJSON *specs = get(spec, "containers");
	unsigned main = 0;

	pod->name = pack_string(p, get_string(metadata, "name"));
	pod->namespace_ = pack_word(p, get_string(metadata, "namespace"));
	pod->uid = pack_string(p, get_string(metadata, "uid"));
	pod->resource_version = pack_string(p, get_string(metadata, "resourceVersion"));
	pod->created_s = get_time(metadata, "creationTimestamp");
	pod->deleted_s = get_time(metadata, "deletionTimestamp");
	pod->grace_s = get_number(metadata, "deletionGracePeriodSeconds");
	pod->active_deadline_s = get_number(spec, "activeDeadlineSeconds");
	pod->node = pack_word(p, get_string(spec, "nodeName"));
	pod->hostname = pack_string(p, get_string(spec, "hostname"));
	fill_status(p, pod, status);
	if (main_name)
		find_named(specs, "name", main_name, &main);
	pod->main = main;
	pod->init = fill_containers(p, get(spec, "initContainers"),
				    get(status, "initContainerStatuses"), &pod->n_init);
	pod->containers =
		fill_containers(p, specs, get(status, "containerStatuses"), &pod->n_containers);
	fill_main(p, pod, cJSON_GetArrayItem(specs, (int)main));
	const cJSON *labels = get(metadata, "labels");
	pod->labels = fill_map(p, labels, labels, &pod->n_labels);
	pod->annotations = fill_map(p, get(metadata, "annotations"), labels, &pod->n_annotations);
}
