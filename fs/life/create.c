/* SPDX-License-Identifier: Apache-2.0 */
/* mkdir, and mv of a draft, as the requests of FUSE that they are: creation.c does the rest. */
#include "fs/life/create.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/errors.h"
#include "fs/life/claim.h"
#include "fs/life/creation.h"
#include "fs/life/drafts.h"
#include "fs/registry.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"

/* A request that waits for its creation. */
struct asker {
	struct weaverfs *fs;
	fuse_req_t req;
	struct caller caller;
	uint64_t draft; /* mv: which draft it is; 0: mkdir */
};

int create_new(struct weaverfs *fs, struct create **ret, struct error *e)
{
	struct create *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(e);
	c->fs = fs;
	list_init(&c->creations);
	list_init(&c->claims);
	*ret = c;
	return 0;
}

void create_free(struct create *c)
{
	if (!c)
		return;
	creation_cancel_all(c);
	free(c);
}

void create_pod_seen(struct create *c, const struct pod *pod)
{
	claim_pod_seen(&c->claims, pod);
}

void create_order_lost(struct create *c)
{
	claim_order_lost(&c->claims);
}

/* Takes the asker. */
static void reply_entry(struct asker *a, const char *pod_uid)
{
	struct fuse_entry_param entry;
	struct registry_view w;
	struct node n;
	int r = registry_find_uid(a->fs->registry, pod_uid, &w);

	if (r == 0) {
		r = node_find(a->fs, ino_make(w.object, INO_ROW_DIR), &a->caller, &n);
		registry_view_done(&w);
	}
	if (r == 0) {
		node_entry(&n, &entry);
		node_done(&n);
		fuse_reply_entry(a->req, &entry);
	} else {
		fuse_reply_err(a->req, -r);
	}
	free(a);
}

static void on_made(void *data, int r, const struct error *e, const char *pod_uid)
{
	struct asker *a = data;

	(void)e;
	if (r == 0) {
		reply_entry(a, pod_uid);
		return;
	}
	fuse_reply_err(a->req, -r);
	free(a);
}

/* EINVAL makes mv speak of subdirectories, EXDEV makes it copy. */
static int mv_code(int r)
{
	return r == -EINVAL || r == -EXDEV ? EPROTO : -r;
}

static void on_moved(void *data, int r, const struct error *e, const char *pod_uid)
{
	struct asker *a = data;

	(void)e;
	(void)pod_uid;
	if (r == 0)
		drafts_used(a->fs->drafts, a->draft);
	fuse_reply_err(a->req, mv_code(r));
	free(a);
}

/* Takes a->req, also on failure. */
static void start(struct create *c, const struct asker *a, struct creation_spec *spec)
{
	struct error e = ERROR_INIT;
	int r = podspec_check_name(spec->name, &e);
	struct asker *copy = r == 0 ? malloc(sizeof(*copy)) : NULL;

	if (r == 0 && !copy)
		r = error_oom(&e);
	if (r == 0) {
		*copy = *a;
		spec->caller = a->caller.uid;
		spec->pid = a->caller.pid;
		spec->own_event = true;
		spec->data = copy;
		r = creation_start(c, spec, &e);
	}
	if (r == 0)
		return;
	free(copy);
	errors_add(c->fs->errors, a->caller.uid, spec->op, spec->name, &e);
	fuse_reply_err(a->req, a->draft ? mv_code(r) : -r);
}

static struct asker asker_of(struct create *c, fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct asker){ .fs = c->fs,
			       .req = req,
			       .caller = { ctx->uid, ctx->gid, ctx->pid, ctx->umask } };
}

void create_mkdir(struct create *c, fuse_req_t req, const char *name, mode_t mode)
{
	struct asker a = asker_of(c, req);
	struct creation_spec spec = {
		.op = "mkdir",
		.name = name,
		.uid = a.caller.uid,
		.gid = a.caller.gid,
		.mode = mode & 0750 & ~a.caller.umask, /* others only by an explicit chmod */
		.done = on_made,
	};

	start(c, &a, &spec);
}

void create_from_draft(struct create *c, fuse_req_t req, const struct drafts_view *draft,
		       const char *name)
{
	struct asker a = asker_of(c, req);
	struct creation_spec spec = {
		.op = "mv",
		.name = name,
		.spec = draft->spec,
		.uid = draft->uid, /* as with any mv, the owner stays who it was */
		.gid = draft->gid,
		.mode = draft->weaver_mode,
		.done = on_moved,
	};

	a.draft = draft->object;
	start(c, &a, &spec);
}
