/* SPDX-License-Identifier: Apache-2.0 */
/* One call at a time to the API server, waited for. */
#pragma once
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/request.h"

struct cluster;
struct ask;

struct ask_answer {
	int r;              /* 0, or -errno with error */
	int http;           /* 0: no reply */
	cJSON *json;        /* of a 2xx; owned; NULL: it was none */
	struct error error; /* the server's words */
};

/* Takes cluster. */
int ask_open(struct cluster *cluster, struct ask **ret, struct error *e);
void ask_close(struct ask *a);
DEFINE_CLEANUP(struct ask *, ask_close)
struct cluster *ask_cluster(struct ask *a);
int64_t ask_clock_skew_ms(struct ask *a); /* server's minus ours, from the replies so far */

/* body NULL: none; type: of the body. Returns answer->r. */
int ask_call(struct ask *a, enum request_method method, const char *path, const char *type,
	     const char *body, struct ask_answer *ret);
int ask_get(struct ask *a, const char *path, struct ask_answer *ret);
void ask_answer_done(struct ask_answer *answer);
