/* SPDX-License-Identifier: Apache-2.0 */
/* See ask.h. Requests live on the loop's thread; the caller sleeps until on_done has copied. */
#include "tools/cluster/ask.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/loop.h"

#define ASK_TIMEOUT_NS (10 * CLOCK_NS_PER_S)

struct ask {
	struct loop *loop;
	struct client *client;
};

struct ask_call {
	struct loop_job job;
	struct client *client;
	struct request_spec spec;
	struct ask_answer *answer;
	sem_t done;
};

int ask_open(struct cluster *cluster, struct ask **ret, struct error *e)
{
	struct ask *a = calloc(1, sizeof(*a));
	int r = a ? loop_new(&a->loop, e) : error_oom(e);

	if (r == 0)
		r = client_new(a->loop, cluster, "weaver/" WEAVERFS_VERSION, &a->client, e);
	else
		cluster_free(cluster);
	if (r == 0)
		r = loop_start(a->loop, "cluster", e);
	if (r < 0) {
		ask_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

void ask_close(struct ask *a)
{
	if (!a)
		return;
	if (a->loop)
		loop_stop(a->loop);
	client_free(a->client);
	if (a->loop)
		loop_free(a->loop);
	free(a);
}

struct cluster *ask_cluster(struct ask *a)
{
	return client_cluster(a->client);
}

int64_t ask_clock_skew_ms(struct ask *a)
{
	return client_clock_skew_ms(a->client);
}

static void ask_replied(void *data, const struct reply *reply)
{
	struct ask_call *call = data;

	call->answer->r = reply->r;
	call->answer->http = reply->http;
	call->answer->error = reply->error;
	if (reply->r == 0)
		call->answer->json = cJSON_ParseWithLength(reply->body, reply->len);
	sem_post(&call->done);
}

static void ask_start(struct loop_job *job)
{
	struct ask_call *call = container_of(job, struct ask_call, job);

	call->spec.deadline_ns = clock_monotonic_ns() + ASK_TIMEOUT_NS;
	if (request_start(call->client, &call->spec))
		return;
	call->answer->r = error_oom(&call->answer->error);
	sem_post(&call->done);
}

int ask_call(struct ask *a, enum request_method method, const char *path, const char *type,
	     const char *body, struct ask_answer *ret)
{
	struct ask_call call = {
		.job.run = ask_start,
		.client = a->client,
		.spec = { .method = method,
			  .path = path,
			  .content_type = type,
			  .body = body,
			  .body_len = body ? strlen(body) : 0,
			  .idempotent = method != REQUEST_POST,
			  .on_done = ask_replied },
		.answer = ret,
	};

	*ret = (struct ask_answer){ 0 };
	call.spec.data = &call;
	list_init(&call.job.node);
	sem_init(&call.done, 0, 0);
	loop_post(a->loop, &call.job);
	while (sem_wait(&call.done) < 0)
		;
	sem_destroy(&call.done);
	return ret->r;
}

int ask_get(struct ask *a, const char *path, struct ask_answer *ret)
{
	return ask_call(a, REQUEST_GET, path, NULL, NULL, ret);
}

void ask_answer_done(struct ask_answer *answer)
{
	cJSON_Delete(answer->json);
	answer->json = NULL;
}
