/* SPDX-License-Identifier: Apache-2.0 */
/* GET ?watch=1: a cursor in the store's history, pulled by the socket. */
#pragma once
#include "tools/kubesim/route.h"
#include "tools/kubesim/selector.h"

void watch_init(void);
/* Answers r with a stream, or with an error. Takes both selectors. */
void watch_start(struct request *r, const struct route *route, struct selector *labels,
		 struct selector *fields);
