/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/claim.h"

#include <stdio.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/life/tombstones.h"
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/pod.h"
#include "k8s/request.h"
#include "k8s/scan.h"

bool claim_taken(const struct list *claims, const struct claim *but, const char *name)
{
	list_for_each(c, claims, struct claim, node) {
		if (c != but && strcmp(c->name, name) == 0)
			return true;
	}
	return false;
}

void claim_pod_seen(struct list *claims, const struct pod *pod)
{
	const char *label = pod_label(pod, LOOM_LABEL_NAME);

	if (!label)
		return;
	list_for_each(c, claims, struct claim, node) {
		if (!c->sent || strcmp(label, c->name) != 0)
			continue;
		if (strcmp(pod->name, c->pod) == 0) {
			c->seen = true;
			snprintf(c->uid, sizeof(c->uid), "%s", pod->uid);
		} else if (!c->seen && !c->order_lost) {
			c->rival = true;
		} else {
			continue;
		}
		c->changed(c);
	}
}

void claim_order_lost(struct list *claims)
{
	list_for_each(c, claims, struct claim, node) {
		if (c->sent && !c->seen)
			c->order_lost = true;
	}
}

struct request *claim_list(struct weaverfs *fs, const struct claim *c, int64_t deadline_ns,
			   void (*on_done)(void *data, const struct reply *reply), void *data)
{
	char path[320];

	snprintf(path, sizeof(path),
		 "/api/v1/namespaces/%s/pods?labelSelector=loom.dev%%2Fname%%3D%s",
		 fs->config->namespace_, c->name);
	struct request_spec spec = {
		.method = REQUEST_GET,
		.path = path,
		.deadline_ns = deadline_ns,
		.idempotent = true,
		.on_done = on_done,
		.data = data,
	};
	return request_start(fs->client, &spec);
}

struct listing {
	struct weaverfs *fs;
	struct claim *claim;
};

static int on_listed_pod(void *data, char *json, size_t len, struct error *e)
{
	struct listing *l = data;
	struct pod *pod = NULL;
	int r = pod_parse(json, LOOM_CONTAINER, &pod, e);

	(void)len;
	if (r < 0)
		return r;
	if (!pod->deleted_s && strcmp(pod->name, l->claim->pod) != 0 &&
	    !tombstones_claims(l->fs->tombstones, pod))
		l->claim->rival = true;
	pod_unref(pod);
	return 0;
}

int claim_listed(struct weaverfs *fs, struct claim *c, const struct reply *reply, struct error *e)
{
	struct listing listing = { .fs = fs, .claim = c };
	struct scan scan;

	if (reply->r < 0) {
		*e = reply->error;
		return reply->r;
	}
	scan_init(&scan, SCAN_LIST);
	scan.object = on_listed_pod;
	scan.data = &listing;
	int r = scan_feed(&scan, reply->body, reply->len, e);
	if (r == 0)
		r = scan_finish(&scan, e);
	scan_done(&scan);
	return r;
}
