/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor asks the cluster. Each says what it found; false: what comes after makes no sense. */
#pragma once
#include "tools/cluster/ask.h"
#include "tools/cluster/report.h"
#include "tools/cluster/settings.h"

struct checks {
	struct report *report;
	struct settings *settings;
	struct ask *ask;
	char namespace_[64];
	bool audit; /* audit_enabled */
};

bool checks_server(struct checks *c);
bool checks_namespace(struct checks *c);
void checks_clock(struct checks *c);
void checks_rbac_ask_all(struct checks *c);
void checks_pods_quota(struct checks *c);
void checks_pods_pull_secrets(struct checks *c);
void checks_pods_image_name(struct checks *c);
void checks_create_try(struct checks *c); /* after those: it says what none of them has said */
void checks_pods_weavers(struct checks *c);

/* k8s paths: a member of a member …, NULL where one is missing; keys end with NULL. */
const cJSON *checks_get(const cJSON *json, const char *const keys[]);
const char *checks_string(const cJSON *json, const char *key); /* "" where there is none */
