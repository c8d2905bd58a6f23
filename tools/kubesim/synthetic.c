/* SPDX-License-Identifier: Apache-2.0 */
/* See synthetic.h. They look like weavers of the default form, running since kubesim's start. */
#include "tools/kubesim/synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "k8s/base/rfc3339.h"
#include "k8s/base/uuid.h"
#include "tools/kubesim/defaults.h"
#include "tools/kubesim/store.h"

static const char template[] =
	"{\"metadata\":{\"labels\":{\"loom.dev/managed\":\"true\",\"loom.dev/image\":\"weaver\","
	"\"loom.dev/image-name\":\"weaver\",\"loom.dev/image-registry\":\"docker.io\","
	"\"loom.dev/owner-user-id\":\"1000\",\"loom.dev/org-id\":\"local\"},"
	"\"annotations\":{\"loom.dev/lifetime-hours\":\"4\",\"loom.dev/mode\":\"0750\","
	"\"loom.dev/uid\":\"1000\",\"loom.dev/gid\":\"1000\"}},"
	"\"spec\":{\"restartPolicy\":\"Never\",\"terminationGracePeriodSeconds\":5,"
	"\"nodeName\":\"kubesim\",\"containers\":[{\"name\":\"weaver\","
	"\"image\":\"ghcr.io/ghuntley/loom/weaver:latest\",\"stdin\":true,\"tty\":true,"
	"\"resources\":{\"limits\":{\"cpu\":\"1m\",\"memory\":\"1Mi\"}}}]}}";

static void running_status(cJSON *pod)
{
	static const char *const conditions[] = { "Initialized", "Ready", "ContainersReady",
						  "PodScheduled" };
	char now[RFC3339_SECONDS_LEN + 1];
	rfc3339_format(time(NULL), now);
	cJSON *status = json_at(pod, "status"),
	      *list = cJSON_AddArrayToObject(status, "conditions");
	json_set_str(status, "phase", "Running");
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		cJSON *c = cJSON_CreateObject();
		cJSON_AddStringToObject(c, "type", conditions[i]);
		cJSON_AddStringToObject(c, "status", "True");
		cJSON_AddStringToObject(c, "lastTransitionTime", now);
		cJSON_AddItemToArray(list, c);
	}
	cJSON_AddStringToObject(status, "hostIP", "127.0.0.1");
	cJSON_AddStringToObject(status, "podIP", "127.0.0.1");
	cJSON_AddStringToObject(status, "startTime", now);
	cJSON *c = cJSON_CreateObject();
	cJSON_AddStringToObject(c, "name", "weaver");
	cJSON_AddStringToObject(json_ensure(json_ensure(c, "state"), "running"), "startedAt", now);
	json_ensure(c, "lastState");
	cJSON_AddBoolToObject(c, "ready", true);
	cJSON_AddBoolToObject(c, "started", true);
	cJSON_AddNumberToObject(c, "restartCount", 0);
	cJSON_AddStringToObject(c, "image", "ghcr.io/ghuntley/loom/weaver:latest");
	cJSON_AddStringToObject(c, "imageID", "sha256:kubesim");
	cJSON_AddStringToObject(c, "containerID", "containerd://synthetic");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "containerStatuses"), c);
}

void synthetic_make(long count)
{
	for (long i = 0; i < count; i++) {
		char id[UUID_LEN + 1], name[UUID_LEN + 16], label[32];
		cJSON *pod = json_parse(template, sizeof(template) - 1);
		if (!pod || uuid_v7(id, NULL) < 0)
			abort();
		snprintf(name, sizeof(name), "weaver-%s", id);
		snprintf(label, sizeof(label), "synthetic-%ld", i);
		cJSON *labels = json_at(pod, "metadata.labels");
		json_set_str(labels, "loom.dev/weaver-id", id);
		json_set_str(labels, "loom.dev/name", label);
		json_set_str(json_at(pod, "spec"), "hostname", label);
		defaults_pod(pod);
		running_status(pod);
		store_add(&kind_table[KIND_POD], "loom-weavers", name, pod);
	}
}
