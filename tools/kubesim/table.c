/* SPDX-License-Identifier: Apache-2.0 */
/* See table.h. */
#include "tools/kubesim/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "k8s/base/rfc3339.h"

struct column {
	const char *name;
	const char *type;
	int priority;
};

/* clang-format off */
static const struct column pod_columns[] = {
	{ "Name", "string", 0 }, { "Ready", "string", 0 }, { "Status", "string", 0 },
	{ "Restarts", "string", 0 }, { "Age", "string", 0 }, { "IP", "string", 1 },
	{ "Node", "string", 1 }, { "Nominated Node", "string", 1 }, { "Readiness Gates", "string", 1 },
	{ NULL }
};
static const struct column event_columns[] = {
	{ "Last Seen", "string", 0 }, { "Type", "string", 0 }, { "Reason", "string", 0 },
	{ "Object", "string", 0 }, { "Subobject", "string", 1 }, { "Source", "string", 1 },
	{ "Message", "string", 0 }, { "First Seen", "string", 1 }, { "Count", "string", 1 },
	{ "Name", "string", 1 }, { NULL }
};
static const struct column namespace_columns[] = {
	{ "Name", "string", 0 }, { "Status", "string", 0 }, { "Age", "string", 0 }, { NULL }
};
static const struct column node_columns[] = {
	{ "Name", "string", 0 }, { "Status", "string", 0 }, { "Roles", "string", 0 },
	{ "Age", "string", 0 }, { "Version", "string", 0 }, { NULL }
};
static const struct column quota_columns[] = {
	{ "Name", "string", 0 }, { "Request", "string", 0 }, { "Limit", "string", 0 },
	{ "Age", "string", 0 }, { NULL }
};
static const struct column secret_columns[] = {
	{ "Name", "string", 0 }, { "Type", "string", 0 }, { "Data", "string", 0 },
	{ "Age", "string", 0 }, { NULL }
};
static const struct column plain_columns[] = {
	{ "Name", "string", 0 }, { "Created At", "date", 0 }, { NULL }
};
/* clang-format on */

static const struct column *columns_of(const struct kind *k)
{
	switch ((enum kind_id)kind_index(k)) {
	case KIND_POD:
		return pod_columns;
	case KIND_EVENT:
		return event_columns;
	case KIND_NAMESPACE:
		return namespace_columns;
	case KIND_NODE:
		return node_columns;
	case KIND_RESOURCEQUOTA:
		return quota_columns;
	case KIND_SECRET:
		return secret_columns;
	default:
		return plain_columns;
	}
}

enum table_mode table_wanted(const struct request *r)
{
	if (!strstr(r->accept, "as=Table"))
		return TABLE_OFF;
	const char *include = http_arg(r, "includeObject");
	if (include && strcmp(include, "None") == 0)
		return TABLE_NONE;
	return include && strcmp(include, "Object") == 0 ? TABLE_OBJECT : TABLE_METADATA;
}

void table_begin(const struct kind *k, uint64_t rv, const char *continue_token, bool columns,
		 struct buf *out)
{
	buf_printf(out,
		   "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"
		   "{\"resourceVersion\":\"%llu\"",
		   (unsigned long long)rv);
	if (continue_token && continue_token[0])
		buf_printf(out, ",\"continue\":\"%s\"", continue_token);
	buf_add_str(out, "},\"columnDefinitions\":");
	if (!columns)
		buf_add_str(out, "null");
	for (const struct column *c = columns_of(k); columns && c->name; c++)
		buf_printf(out,
			   "%s{\"name\":\"%s\",\"type\":\"%s\",\"format\":\"%s\","
			   "\"description\":\"\",\"priority\":%d}",
			   c == columns_of(k) ? "[" : ",", c->name, c->type,
			   strcmp(c->name, "Name") == 0 ? "name" : "", c->priority);
	buf_add_str(out, columns ? "],\"rows\":[" : ",\"rows\":[");
}

void table_end(struct buf *out)
{
	buf_add_str(out, "]}");
}

/* ---- the words of printPod ---- */

static const char *container_reason(const cJSON *status, bool init, char *out, size_t size)
{
	const cJSON *terminated = json_at(status, "state.terminated");
	const char *waiting = json_str(status, "state.waiting.reason");
	const char *prefix = init ? "Init:" : "";
	if (waiting && waiting[0] && !(init && strcmp(waiting, "PodInitializing") == 0)) {
		snprintf(out, size, "%s%s", prefix, waiting);
		return out;
	}
	if (!terminated)
		return NULL;
	const char *reason = json_str_or(terminated, "reason", "");
	int64_t signal = json_int(terminated, "signal", 0);
	if (reason[0])
		snprintf(out, size, "%s%s", prefix, reason);
	else if (signal)
		snprintf(out, size, "%sSignal:%lld", prefix, (long long)signal);
	else
		snprintf(out, size, "%sExitCode:%lld", prefix,
			 (long long)json_int(terminated, "exitCode", 0));
	return out;
}

static bool is_sidecar(const cJSON *pod, const char *name)
{
	const cJSON *c = json_find_named(json_at(pod, "spec.initContainers"), name);
	return strcmp(json_str_or(c, "restartPolicy", ""), "Always") == 0;
}

static const cJSON *condition_of(const cJSON *pod, const char *type)
{
	cJSON *c;
	cJSON_ArrayForEach(c, json_at(pod, "status.conditions"))
		if (strcmp(json_str_or(c, "type", ""), type) == 0)
			return c;
	return NULL;
}

static bool condition_true(const cJSON *pod, const char *type)
{
	return strcmp(json_str_or(condition_of(pod, type), "status", ""), "True") == 0;
}

struct pod_words {
	int ready, init_restarts, sidecar_restarts;
	bool initializing;
};

static void init_words(const cJSON *pod, struct pod_words *w, char *status, size_t size)
{
	int i = 0, inits = cJSON_GetArraySize(json_at(pod, "spec.initContainers"));
	cJSON *s;
	cJSON_ArrayForEach(s, json_at(pod, "status.initContainerStatuses")) {
		bool sidecar = is_sidecar(pod, json_str_or(s, "name", ""));
		w->init_restarts += (int)json_int(s, "restartCount", 0);
		if (sidecar)
			w->sidecar_restarts += (int)json_int(s, "restartCount", 0);
		bool done = json_at(s, "state.terminated") &&
			    json_int(s, "state.terminated.exitCode", 1) == 0;
		bool started = sidecar && json_true(s, "started");
		if (done || started) {
			w->ready += started && json_true(s, "ready");
			i++;
			continue;
		}
		if (!container_reason(s, true, status, size))
			snprintf(status, size, "Init:%d/%d", i, inits);
		w->initializing = true;
		return;
	}
}

static int main_words(const cJSON *pod, struct pod_words *w, char *status, size_t size)
{
	const cJSON *all = json_at(pod, "status.containerStatuses");
	bool running = false;
	int restarts = 0;
	for (int i = cJSON_GetArraySize(all) - 1; i >= 0; i--) {
		const cJSON *s = cJSON_GetArrayItem(all, i);
		restarts += (int)json_int(s, "restartCount", 0);
		if (container_reason(s, false, status, size))
			continue;
		if (json_true(s, "ready") && json_at(s, "state.running")) {
			running = true;
			w->ready++;
		}
	}
	if (strcmp(status, "Completed") == 0 && running)
		snprintf(status, size, "%s", condition_true(pod, "Ready") ? "Running" : "NotReady");
	return restarts;
}

void table_pod_status(const cJSON *pod, char *status, size_t size, int *ready, int *total,
		      int *restarts)
{
	const char *reason = json_str_or(pod, "status.reason", "");
	const char *phase = json_str_or(pod, "status.phase", "");
	struct pod_words w = { 0 };
	snprintf(status, size, "%s", reason[0] ? reason : phase);
	const char *gated = json_str_or(condition_of(pod, "PodScheduled"), "reason", "");
	if (strcmp(gated, "SchedulingGated") == 0)
		snprintf(status, size, "%s", gated);
	*total = cJSON_GetArraySize(json_at(pod, "spec.containers"));
	cJSON *c;
	cJSON_ArrayForEach(c, json_at(pod, "spec.initContainers"))
		*total += strcmp(json_str_or(c, "restartPolicy", ""), "Always") == 0;
	init_words(pod, &w, status, size);
	*restarts = w.init_restarts;
	if (!w.initializing || condition_true(pod, "Initialized"))
		*restarts = main_words(pod, &w, status, size) + w.sidecar_restarts;
	*ready = w.ready;
	if (!json_str(pod, "metadata.deletionTimestamp"))
		return;
	if (strcmp(reason, "NodeLost") == 0)
		snprintf(status, size, "Unknown");
	else if (strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0)
		snprintf(status, size, "Terminating");
}

/* ---- cells ---- */

/* k8s.io/apimachinery/pkg/util/duration.HumanDuration */
static void age_format(int64_t s, char *out, size_t size)
{
	long long m = s / 60, h = s / 3600, d = h / 24;
	if (s < 0)
		snprintf(out, size, s < -1 ? "<invalid>" : "0s");
	else if (s < 120)
		snprintf(out, size, "%llds", (long long)s);
	else if (m < 10 && s % 60)
		snprintf(out, size, "%lldm%llds", m, (long long)s % 60);
	else if (m < 180)
		snprintf(out, size, "%lldm", m);
	else if (h < 8 && m % 60)
		snprintf(out, size, "%lldh%lldm", h, m % 60);
	else if (h < 48)
		snprintf(out, size, "%lldh", h);
	else if (h < 192 && h % 24)
		snprintf(out, size, "%lldd%lldh", d, h % 24);
	else
		snprintf(out, size, "%lldd", d);
}

static void cell(struct buf *out, const char *text)
{
	if (out->data && out->data[out->len - 1] != '[')
		buf_add_char(out, ',');
	buf_add_json(out, text, strlen(text));
}

static void cell_printf(struct buf *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void cell_printf(struct buf *out, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cell(out, text);
}

static void cell_age(struct buf *out, const cJSON *o, const char *path)
{
	int64_t then;
	char text[32] = "<unknown>";
	const char *stamp = json_str(o, path);
	if (stamp && rfc3339_parse_seconds(stamp, &then, NULL) == 0)
		age_format(time(NULL) - then, text, sizeof(text));
	cell(out, text);
}

static void cells_pod(const cJSON *o, struct buf *out)
{
	char status[128];
	int ready, total, restarts;
	table_pod_status(o, status, sizeof(status), &ready, &total, &restarts);
	cell(out, json_str_or(o, "metadata.name", ""));
	cell_printf(out, "%d/%d", ready, total);
	cell(out, status);
	cell_printf(out, "%d", restarts);
	cell_age(out, o, "metadata.creationTimestamp");
	cell(out, json_str_or(o, "status.podIP", "<none>"));
	cell(out, json_str_or(o, "spec.nodeName", "<none>"));
	cell(out, "<none>");
	cell(out, "<none>");
}

static void cells_event(const cJSON *o, struct buf *out)
{
	const char *last = json_str(o, "lastTimestamp") ? "lastTimestamp" : "eventTime";
	char object[600];
	snprintf(object, sizeof(object), "%s/%s", json_str_or(o, "involvedObject.kind", ""),
		 json_str_or(o, "involvedObject.name", ""));
	if (object[0] >= 'A' && object[0] <= 'Z')
		object[0] = (char)(object[0] + 'a' - 'A');
	cell_age(out, o, last);
	cell(out, json_str_or(o, "type", ""));
	cell(out, json_str_or(o, "reason", ""));
	cell(out, object);
	cell(out, json_str_or(o, "involvedObject.fieldPath", ""));
	cell(out, json_str_or(o, "source.component", json_str_or(o, "reportingComponent", "")));
	cell(out, json_str_or(o, "message", ""));
	cell_age(out, o, json_str(o, "firstTimestamp") ? "firstTimestamp" : "eventTime");
	cell_printf(out, "%lld", (long long)json_int(o, "count", 1));
	cell(out, json_str_or(o, "metadata.name", ""));
}

static void quota_cell(const cJSON *o, bool limits, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	cJSON *hard;
	cJSON_ArrayForEach(hard, json_at(o, "status.hard")) {
		if ((strncmp(hard->string, "limits.", 7) == 0) != limits)
			continue;
		const char *used = json_member(json_at(o, "status.used"), hard->string);
		buf_printf(&text, "%s%s: %s/%s", text.len ? ", " : "", hard->string,
			   used ? used : "0", hard->valuestring);
	}
	cell(out, buf_str(&text));
}

static void cells_add(const struct kind *k, const cJSON *o, struct buf *out)
{
	const char *name = json_str_or(o, "metadata.name", "");
	switch ((enum kind_id)kind_index(k)) {
	case KIND_POD:
		cells_pod(o, out);
		return;
	case KIND_EVENT:
		cells_event(o, out);
		return;
	case KIND_NAMESPACE:
		cell(out, name);
		cell(out, json_str_or(o, "status.phase", "Active"));
		break;
	case KIND_NODE:
		cell(out, name);
		cell(out, "Ready");
		cell(out, "<none>");
		cell_age(out, o, "metadata.creationTimestamp");
		cell(out, json_str_or(o, "status.nodeInfo.kubeletVersion", ""));
		return;
	case KIND_RESOURCEQUOTA:
		cell(out, name);
		quota_cell(o, false, out);
		quota_cell(o, true, out);
		break;
	case KIND_SECRET:
		cell(out, name);
		cell(out, json_str_or(o, "type", ""));
		cell_printf(out, "%d", cJSON_GetArraySize(json_at(o, "data")));
		break;
	default:
		cell(out, name);
		cell(out, json_str_or(o, "metadata.creationTimestamp", ""));
		return;
	}
	cell_age(out, o, "metadata.creationTimestamp");
}

void table_row(const struct kind *k, const struct revision *v, enum table_mode mode,
	       struct buf *out)
{
	_cleanup_(cJSON_Deletep) cJSON *o = json_parse(v->text, v->len);
	buf_add_str(out, "{\"cells\":[");
	cells_add(k, o, out);
	buf_add_char(out, ']');
	if (mode == TABLE_OBJECT) {
		buf_add_str(out, ",\"object\":");
		store_render(k, v, out);
	} else if (mode == TABLE_METADATA) {
		buf_add_str(out, ",\"object\":{\"kind\":\"PartialObjectMetadata\","
				 "\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":");
		json_add(out, json_at(o, "metadata"));
		buf_add_char(out, '}');
	}
	buf_add_char(out, '}');
}
