/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/store.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/poke/poke.h"
#include "fs/record.h"
#include "fs/sync.h"
#include "fs/task.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define RETRY_NS (20 * CLOCK_NS_PER_MS)

/* The changes of one run of a handler: two JSON objects, either may stay empty. */
struct store {
	cJSON *annotations, *labels;
};

/* One write in flight; cluster thread after its job has run. */
struct operation {
	struct task task;
	struct loop_job job;
	struct weaverfs *fs;
	fuse_req_t req;
	struct store_request what; /* data is owned */
	struct error conflict;     /* what the server said when another writer was faster */
	char *data;
	size_t value_len; /* without the one trailing newline, which is the shell's */
	char pod[80], uid[64];
	int64_t deadline_ns;
	struct request *request; /* NULL: none out */
	struct sync_write write;
	bool writing;            /* between sync_write_begin() and its end */
	struct poke_write event; /* that of the write itself, which the kernel raises */
};

/* ---- what handlers call ---- */

static int change_add(cJSON **object, const char *key, const char *value)
{
	if (!*object)
		*object = cJSON_CreateObject();
	cJSON *item = value ? cJSON_CreateString(value) : cJSON_CreateNull();
	if (*object && item && cJSON_AddItemToObject(*object, key, item))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

int store_annotation(struct store_ctx *c, const char *key, const char *value)
{
	return change_add(&c->store->annotations, key, value);
}

int store_label(struct store_ctx *c, const char *key, const char *value)
{
	return change_add(&c->store->labels, key, value);
}

static void store_done(struct store *s)
{
	cJSON_Delete(s->annotations);
	cJSON_Delete(s->labels);
}

/* chmod, chgrp and chown of the directory are kept as annotations. */
static int store_owner(struct store_ctx *c, const struct store_request *what, struct error *e)
{
	char text[16];
	int r = 0;
	if (what->to_set & FUSE_SET_ATTR_MODE) {
		snprintf(text, sizeof(text), "%04o", what->st.st_mode & 07777);
		r = store_annotation(c, LOOM_ANNOTATION_MODE, text);
	}
	if (r == 0 && what->to_set & FUSE_SET_ATTR_UID) {
		snprintf(text, sizeof(text), "%u", what->st.st_uid);
		r = store_annotation(c, LOOM_ANNOTATION_UID, text);
	}
	if (r == 0 && what->to_set & FUSE_SET_ATTR_GID) {
		snprintf(text, sizeof(text), "%u", what->st.st_gid);
		r = store_annotation(c, LOOM_ANNOTATION_GID, text);
	}
	return r < 0 ? error_oom(e) : 0;
}

/* ---- the end ---- */

static void operation_free(struct operation *op)
{
	task_end(&op->task);
	if (op->writing)
		sync_write_end(op->fs->sync, &op->write);
	free(op->data);
	free(op);
}

static void reply_error(struct operation *op, int code)
{
	if (op->req)
		fuse_reply_err(op->req, code);
}

static void reply_attr(struct operation *op)
{
	struct node n;
	int r = node_find(op->fs, ino_make(op->what.object, INO_ROW_DIR), &op->what.caller, &n);
	if (r < 0) {
		fuse_reply_err(op->req, -r);
		return;
	}
	struct fuse_entry_param entry;
	node_entry(&n, &entry);
	node_done(&n);
	fuse_reply_attr(op->req, &entry.attr, entry.attr_timeout);
}

/* "a" of "a/ttl"; "?": it has gone. */
static void weaver_of(const struct operation *op, char name[REGISTRY_NAME_MAX])
{
	struct registry_view w;
	snprintf(name, REGISTRY_NAME_MAX, "?");
	if (registry_find(op->fs->registry, op->what.object, &w) < 0)
		return;
	memcpy(name, w.name, REGISTRY_NAME_MAX);
	registry_view_done(&w);
}

/* What decides when a weaver ends. */
static void record(const struct operation *op, const struct error *e)
{
	const char *file = op->what.attr ? op->what.attr->name : "";
	char name[REGISTRY_NAME_MAX];
	if (strcmp(file, "ttl") != 0 && strcmp(file, "expires") != 0)
		return;
	weaver_of(op, name);
	record_done(op->what.caller.uid, op->what.caller.pid, file, name, e);
}

static void succeed(struct operation *op)
{
	record(op, NULL);
	poke_write_end(op->fs->poke, &op->event, true);
	if (op->req && op->what.attr)
		fuse_reply_write(op->req, op->what.len);
	else if (op->req)
		reply_attr(op);
	operation_free(op);
}

static void fail(struct operation *op, int r, const struct error *e)
{
	if (r == -ETIMEDOUT && op->conflict.code) {
		e = &op->conflict; /* the server did answer: others were faster each time */
		r = -e->code;
	}
	char name[REGISTRY_NAME_MAX], path[160];
	weaver_of(op, name);
	snprintf(path, sizeof(path), "%s/%s", name, op->what.attr ? op->what.attr->name : "");
	record(op, e);
	errors_add(op->fs->errors, op->what.caller.uid, op->what.attr ? "write" : "setattr", path,
		   e);
	poke_write_end(op->fs->poke, &op->event, false);
	reply_error(op, -r);
	operation_free(op);
}

static void on_cancel(struct task *t)
{
	struct operation *op = container_of(t, struct operation, task);
	if (op->request)
		request_cancel(op->request);
	poke_write_end(op->fs->poke, &op->event, false);
	reply_error(op, EIO);
	operation_free(op);
}

/* ---- the patch ---- */

static void run(struct operation *op);

static void call(struct operation *op, enum request_method method, const char *body,
		 void (*on_done)(void *data, const struct reply *reply))
{
	char path[256];
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods/%s", op->fs->config->namespace_,
		 op->pod);
	struct request_spec spec = {
		.method = method,
		.path = path,
		.content_type = body ? "application/merge-patch+json" : NULL,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.deadline_ns = op->deadline_ns,
		.idempotent = true, /* a PATCH carries its resourceVersion */
		.on_done = on_done,
		.data = op,
	};
	sync_write_begin(op->fs->sync, &op->write, op->uid);
	op->writing = true;
	op->request = request_start(op->fs->client, &spec);
	if (!op->request) {
		struct error e;
		fail(op, error_oom(&e), &e);
	}
}

/* Hands the object of a reply to sync, which makes it visible. */
static int take_in(struct operation *op, const struct reply *reply, struct error *e)
{
	op->request = NULL;
	op->writing = false;
	struct pod *parsed = NULL;
	int r = reply->r < 0 ? reply->r : pod_parse(reply->body, LOOM_CONTAINER, &parsed, e);
	if (r < 0) {
		sync_write_end(op->fs->sync, &op->write);
		return r;
	}
	sync_write_reply(op->fs->sync, &op->write, parsed);
	pod_unref(parsed);
	return 0;
}

static void on_fetched(void *data, const struct reply *reply)
{
	struct operation *op = data;
	struct error e = reply->error;
	int r = take_in(op, reply, &e);
	if (r < 0)
		fail(op, r, &e);
	else
		run(op);
}

static void on_patched(void *data, const struct reply *reply)
{
	struct operation *op = data;
	struct error e = reply->error;
	int r = take_in(op, reply, &e);
	if (r == 0) {
		succeed(op);
	} else if (reply->http == 409 && clock_monotonic_ns() + RETRY_NS < op->deadline_ns) {
		op->conflict = e; /* somebody was faster: look again */
		call(op, REQUEST_GET, NULL, on_fetched);
	} else {
		fail(op, r, &e);
	}
}

static char *patch_of(const struct pod *pod, struct store *changes)
{
	cJSON *patch = cJSON_CreateObject();
	cJSON *metadata = cJSON_AddObjectToObject(patch, "metadata");
	cJSON_AddStringToObject(metadata, "uid", pod->uid);
	cJSON_AddStringToObject(metadata, "resourceVersion", pod->resource_version);
	if (changes->annotations)
		cJSON_AddItemToObject(metadata, "annotations", changes->annotations);
	if (changes->labels)
		cJSON_AddItemToObject(metadata, "labels", changes->labels);
	*changes = (struct store){ 0 };
	char *text = cJSON_PrintUnformatted(patch);
	cJSON_Delete(patch);
	return text;
}

/* Runs the handler on the newest pod known; 0 with *ret_patch NULL: nothing to change. */
static int ask_handler(struct operation *op, const struct node *n, char **ret_patch,
		       struct error *e)
{
	_cleanup_(store_done) struct store changes = { 0 };
	struct store_ctx ctx = {
		.view = n->view,
		.append = op->what.append,
		.truncate = op->what.truncate,
		.store = &changes,
	};
	int r = op->what.attr ? op->what.attr->store(&ctx, op->data, op->value_len, e)
			      : store_owner(&ctx, &op->what, e);
	if (r < 0)
		return r;
	*ret_patch = NULL;
	if (!changes.annotations && !changes.labels)
		return 0;
	*ret_patch = patch_of(n->w.pod, &changes);
	return *ret_patch ? 0 : error_oom(e);
}

static void run(struct operation *op)
{
	struct error e = ERROR_INIT;
	struct node n;
	int r = node_find(op->fs, ino_make(op->what.object, INO_ROW_DIR), &op->what.caller, &n);
	if (r == 0 && n.w.gone) {
		node_done(&n);
		r = -ENOENT;
	}
	if (r < 0) {
		error_set(&e, -r, "the weaver is gone");
		fail(op, r, &e);
		return;
	}
	snprintf(op->pod, sizeof(op->pod), "%s", n.w.pod->name);
	snprintf(op->uid, sizeof(op->uid), "%s", n.w.pod->uid);
	_cleanup_(cleanup_free) char *patch = NULL;
	r = ask_handler(op, &n, &patch, &e);
	node_done(&n);
	if (r == 0 && patch)
		r = client_away(op->fs->client, &e) ? -e.code : 0;
	if (r < 0)
		fail(op, r, &e);
	else if (!patch)
		succeed(op);
	else
		call(op, REQUEST_PATCH, patch, on_patched);
}

static void on_job(struct loop_job *job)
{
	struct operation *op = container_of(job, struct operation, job);
	const struct attr *a = op->req ? op->what.attr : NULL;
	task_begin(&op->fs->tasks, &op->task, on_cancel);
	poke_write_begin(op->fs->poke, &op->event, op->what.object,
			 a ? (unsigned)(a - table_rows) : INO_ROW_DIR);
	run(op);
}

void store_start(struct weaverfs *fs, fuse_req_t req, const struct store_request *what)
{
	struct operation *op = calloc(1, sizeof(*op));
	char *data = malloc(what->len + 1);
	if (!op || !data) {
		free(op);
		free(data);
		if (req)
			fuse_reply_err(req, ENOMEM);
		return;
	}
	op->fs = fs;
	op->req = req;
	op->what = *what;
	if (what->len)
		memcpy(data, what->data, what->len);
	data[what->len] = '\0';
	op->value_len = what->len;
	if (op->value_len && data[op->value_len - 1] == '\n')
		data[--op->value_len] = '\0';
	op->data = data;
	op->what.data = data;
	op->deadline_ns = clock_monotonic_ns() + fs->config->create_timeout_ms * CLOCK_NS_PER_MS;
	op->job.run = on_job;
	loop_post(fs->loop, &op->job);
}
