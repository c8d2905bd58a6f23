/* SPDX-License-Identifier: Apache-2.0 */
/* meta.k8s.io/v1 Table, what `kubectl get` asks for; STATUS in the words of printPod. */
#pragma once
#include "tools/kubesim/http.h"
#include "tools/kubesim/store.h"

enum table_mode { TABLE_OFF, TABLE_METADATA, TABLE_NONE, TABLE_OBJECT };

enum table_mode table_wanted(const struct request *r); /* by Accept and includeObject */
/* Up to the opening bracket of rows. continue_token may be NULL. */
void table_begin(const struct kind *k, uint64_t rv, const char *continue_token, bool columns,
		 struct buf *out);
void table_row(const struct kind *k, const struct revision *v, enum table_mode mode,
	       struct buf *out);
void table_end(struct buf *out);

/* kubectl's words for a pod; status has room for size bytes. */
void table_pod_status(const cJSON *pod, char *status, size_t size, int *ready, int *total,
		      int *restarts);
