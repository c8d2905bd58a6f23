/* SPDX-License-Identifier: Apache-2.0 */
/* Private to pod.c: from a cJSON tree to the fields of struct pod. */
#pragma once
#include <cjson/cJSON.h>

#include "k8s/pack.h"
#include "k8s/pod.h"

/* tree is a Pod; main_name (or NULL): whose image, command, env … are kept. Both runs of p. */
void pod_fill_all(struct pack *p, struct pod *pod, const cJSON *tree, const char *main_name);
