/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE of one object and of a collection; what pods leave behind is collected with them. */
#pragma once
#include "tools/kubesim/route.h"
#include "tools/kubesim/store.h"

void delete_one(struct request *r, const struct route *route);
void delete_collection(struct request *r, const struct route *route);
/* The last step of a deletion, whoever began it: collects what the object owned, frees it. */
void delete_finish(struct object *o);
