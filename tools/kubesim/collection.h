/* SPDX-License-Identifier: Apache-2.0 */
/* GET of a collection: selectors, resourceVersion rules, limit and continue, Table. */
#pragma once
#include "tools/kubesim/route.h"
#include "tools/kubesim/selector.h"

/* Reads labelSelector and fieldSelector. False: answered with 400. */
bool collection_selectors(struct request *r, const struct kind *k, struct selector **ret_labels,
			  struct selector **ret_fields);
void collection_list(struct request *r, const struct route *route);
void collection_done(void);
