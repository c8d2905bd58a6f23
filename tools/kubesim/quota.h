/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResourceQuota for pods: admission at create, status kept up to date. A terminating pod holds its
 * share until it is gone, a finished one frees it (measured on 1.34).
 */
#pragma once
#include "tools/kubesim/http.h"
#include "tools/kubesim/json.h"

/* What a pod asks for, in thousandths: containers summed, restartable init containers added. */
int64_t quota_pod_sum(const cJSON *pod, const char *list, const char *resource);
/* False: answered with 403. */
bool quota_admit(struct request *r, const char *ns, const char *name, const cJSON *pod);
void quota_sync(const char *ns); /* soon: many changes become one update */
void quota_done(void);
