/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/manifests, as they were when this was built. */
#pragma once
#include "k8s/base/error.h"

struct cJSON;

/* One object; takes it. < 0 ends reading with that error. */
typedef int manifests_object(void *data, struct cJSON *object, struct error *e);

/* All of them in the order in which they can be made, for this namespace. */
int manifests_read(const char *namespace_, manifests_object *object, void *data, struct error *e);
