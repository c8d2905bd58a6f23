/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API shows of a running pod (k8s.io/kubernetes/pkg/kubelet: generateAPIPodStatus,
 * getPhase, status/generate.go). A condition keeps its transition time while its status stays.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "k8s/base/rfc3339.h"
#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/quota.h"

#define DEADLINE_MESSAGE "Pod was active on the node longer than the specified deadline"

static void set_time(cJSON *o, const char *key, int64_t seconds)
{
	char text[RFC3339_SECONDS_LEN + 1];
	rfc3339_format(seconds, text);
	cJSON_AddStringToObject(o, key, text);
}

const char *podstatus_phase(const struct pod *p)
{
	bool failed = p->deadline_exceeded, begun = false;
	for (size_t i = 0; i < p->count; i++) {
		const struct container *c = &p->containers[i];
		if (c->role == CONTAINER_MAIN && (c->state != CONTAINER_WAITING || c->restarts > 0))
			begun = true;
		if (c->role != CONTAINER_SIDECAR && c->state == CONTAINER_TERMINATED &&
		    c->exit_code)
			failed = true;
		if (c->state == CONTAINER_WAITING && c->role != CONTAINER_SIDECAR && p->finished)
			failed = true;
	}
	if (p->finished)
		return failed ? "Failed" : "Succeeded";
	return begun ? "Running" : "Pending";
}

static cJSON *terminated_object(const struct container *c)
{
	char id[96];
	snprintf(id, sizeof(id), "containerd://%s", c->id);
	cJSON *o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "exitCode", c->exit_code);
	cJSON_AddStringToObject(o, "reason", c->reason);
	if (c->message[0])
		cJSON_AddStringToObject(o, "message", c->message);
	set_time(o, "startedAt", c->started_s);
	set_time(o, "finishedAt", c->finished_s);
	cJSON_AddStringToObject(o, "containerID", id);
	return o;
}

static cJSON *state_object(const struct container *c)
{
	cJSON *state = cJSON_CreateObject();
	if (c->state == CONTAINER_RUNNING) {
		set_time(cJSON_AddObjectToObject(state, "running"), "startedAt", c->started_s);
	} else if (c->state == CONTAINER_TERMINATED) {
		cJSON_AddItemToObject(state, "terminated", terminated_object(c));
	} else {
		cJSON *waiting = cJSON_AddObjectToObject(state, "waiting");
		cJSON_AddStringToObject(waiting, "reason", c->reason);
		if (c->message[0])
			cJSON_AddStringToObject(waiting, "message", c->message);
	}
	return state;
}

static cJSON *container_object(const struct container *c)
{
	char id[96];
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", c->name);
	cJSON_AddItemToObject(o, "state", state_object(c));
	cJSON *last = cJSON_AddObjectToObject(o, "lastState");
	if (c->last)
		cJSON_AddItemToObject(last, "terminated", cJSON_Duplicate(c->last, true));
	cJSON_AddBoolToObject(o, "ready", c->ready);
	cJSON_AddNumberToObject(o, "restartCount", c->restarts);
	cJSON_AddStringToObject(o, "image", json_str_or(c->spec, "image", ""));
	cJSON_AddStringToObject(o, "imageID", c->id[0] ? "sha256:kubesim" : "");
	if (c->id[0]) {
		snprintf(id, sizeof(id), "containerd://%s", c->id);
		cJSON_AddStringToObject(o, "containerID", id);
	}
	cJSON_AddBoolToObject(o, "started", c->started);
	const cJSON *resources = json_at(c->spec, "resources");
	const cJSON *requests = json_at(resources, "requests");
	if (c->id[0] && requests)
		cJSON_AddItemToObject(o, "allocatedResources", cJSON_Duplicate(requests, true));
	if (c->id[0] && resources && resources->child)
		cJSON_AddItemToObject(o, "resources", cJSON_Duplicate(resources, true));
	const cJSON *mounts = json_at(c->spec, "volumeMounts");
	if (c->id[0] && mounts)
		cJSON_AddItemToObject(o, "volumeMounts", cJSON_Duplicate(mounts, true));
	return o;
}

/* ---- conditions ---- */

static void condition_add(cJSON *list, const cJSON *before, const char *type, bool status,
			  const char *reason, const char *message)
{
	const char *word = status ? "True" : "False";
	cJSON *o = cJSON_CreateObject(), *was;
	cJSON_AddStringToObject(o, "type", type);
	cJSON_AddNumberToObject(o, "observedGeneration", 1);
	cJSON_AddStringToObject(o, "status", word);
	cJSON_AddNullToObject(o, "lastProbeTime");
	cJSON_ArrayForEach(was, before)
		if (strcmp(json_str_or(was, "type", ""), type) == 0 &&
		    strcmp(json_str_or(was, "status", ""), word) == 0)
			cJSON_AddStringToObject(o, "lastTransitionTime",
						json_str_or(was, "lastTransitionTime", ""));
	if (!json_str(o, "lastTransitionTime"))
		set_time(o, "lastTransitionTime", time(NULL));
	if (reason)
		cJSON_AddStringToObject(o, "reason", reason);
	if (message)
		cJSON_AddStringToObject(o, "message", message);
	cJSON_AddItemToArray(list, o);
}

static bool container_initialized(const struct container *c)
{
	return c->role == CONTAINER_SIDECAR ? c->started || c->pod->finished
					    : c->state == CONTAINER_TERMINATED && c->exit_code == 0;
}

/* "containers with unready status: [a b]"; false: all are well. */
static bool names_unwell(const struct pod *p, bool initialized, char *out, size_t size)
{
	struct buf names = BUF_INIT;
	for (size_t i = 0; i < p->count; i++) {
		const struct container *c = &p->containers[i];
		bool well = initialized ? c->role == CONTAINER_MAIN || container_initialized(c)
					: c->role == CONTAINER_INIT || c->ready;
		if (!well)
			buf_printf(&names, "%s%s", names.len ? " " : "", c->name);
	}
	bool any = names.len > 0;
	snprintf(out, size, "containers with %s status: [%s]",
		 initialized ? "incomplete" : "unready", buf_str(&names));
	buf_done(&names);
	return any;
}

static cJSON *conditions_array(const struct pod *p, const cJSON *before)
{
	cJSON *list = cJSON_CreateArray();
	char text[512];
	const char *over = NULL;
	bool main_begun = strcmp(podstatus_phase(p), "Pending") != 0;
	if (p->start_s) {
		bool sandbox = !p->finished && p->containers[0].begun;
		condition_add(list, before, "PodReadyToStartContainers", sandbox, NULL, NULL);
		bool incomplete = !main_begun && names_unwell(p, true, text, sizeof(text));
		condition_add(list, before, "Initialized", !incomplete,
			      incomplete ? "ContainersNotInitialized" : NULL,
			      incomplete ? text : NULL);
		bool ended = true;
		for (size_t i = 0; i < p->count; i++)
			ended = ended && (p->containers[i].role != CONTAINER_MAIN ||
					  p->containers[i].state == CONTAINER_TERMINATED);
		if (p->finished || (ended && p->stopping))
			over = strcmp(podstatus_phase(p), "Succeeded") == 0 ? "PodCompleted"
									    : "PodFailed";
		bool unready = names_unwell(p, false, text, sizeof(text)) || over;
		const char *reason = over ? over : unready ? "ContainersNotReady" : NULL;
		condition_add(list, before, "Ready", !unready, reason,
			      !over && unready ? text : NULL);
		condition_add(list, before, "ContainersReady", !unready, reason,
			      !over && unready ? text : NULL);
	}
	condition_add(list, before, "PodScheduled", true, NULL, NULL);
	return list;
}

/* ---- publishing ---- */

static void add_address(cJSON *status, const char *key, const char *list_key, const char *ip)
{
	cJSON *list = cJSON_CreateArray(), *one = cJSON_CreateObject();
	cJSON_AddStringToObject(status, key, ip);
	cJSON_AddStringToObject(one, "ip", ip);
	cJSON_AddItemToArray(list, one);
	cJSON_AddItemToObject(status, list_key, list);
}

static void add_containers(const struct pod *p, cJSON *status)
{
	cJSON *inits = cJSON_CreateArray(), *mains = cJSON_CreateArray();
	for (size_t i = 0; i < p->count; i++)
		cJSON_AddItemToArray(i < p->init_count ? inits : mains,
				     container_object(&p->containers[i]));
	if (p->init_count)
		cJSON_AddItemToObject(status, "initContainerStatuses", inits);
	else
		cJSON_Delete(inits);
	cJSON_AddItemToObject(status, "containerStatuses", mains);
}

void podstatus_publish(struct pod *p)
{
	cJSON *json = store_json(p->object), *status = cJSON_CreateObject();
	const cJSON *before = json_at(json, "status");
	if (p->start_s)
		cJSON_AddNumberToObject(status, "observedGeneration", 1);
	cJSON_AddStringToObject(status, "phase", podstatus_phase(p));
	cJSON_AddItemToObject(status, "conditions",
			      conditions_array(p, json_at(before, "conditions")));
	if (p->deadline_exceeded && p->finished) {
		cJSON_AddStringToObject(status, "message", DEADLINE_MESSAGE);
		cJSON_AddStringToObject(status, "reason", "DeadlineExceeded");
	}
	if (p->start_s) {
		add_address(status, "hostIP", "hostIPs", "127.0.0.1");
		if (p->containers[0].begun)
			add_address(status, "podIP", "podIPs", p->ip);
		set_time(status, "startTime", p->start_s);
		add_containers(p, status);
	}
	cJSON_AddStringToObject(status, "qosClass", json_str_or(before, "qosClass", "Burstable"));
	json_set(json, "status", status);
	if (p->scheduled)
		json_set_str(json_at(json, "spec"), "nodeName", LIFECYCLE_NODE);
	if (store_update(p->object, json))
		quota_sync(p->object->ns);
}

void podstatus_unschedulable(struct pod *p, const char *message)
{
	cJSON *json = store_json(p->object);
	cJSON *status = json_at(json, "status"), *list = cJSON_CreateArray();
	condition_add(list, json_at(status, "conditions"), "PodScheduled", false, "Unschedulable",
		      message);
	json_set(status, "conditions", list);
	store_update(p->object, json);
}
