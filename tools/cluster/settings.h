/* SPDX-License-Identifier: Apache-2.0 */
/* The settings in force, those of the mount or of `weaverfs --settings`, and the pod of them. */
#pragma once
#include <stdbool.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct settings {
	struct buf text; /* as .weaverfs/config has them */
	struct buf from; /* whose they are, for people */
};

/* options: as weaverfs -o takes them; NULL: none, and then a mount's settings count. -ENOENT: there
 * is no weaverfs; -EINVAL: what it said about a bad value. */
int settings_load(const char *options, struct settings *ret, struct error *e);
void settings_done(struct settings *s);
/* The value, "" where it is not set; borrowed until the next call. */
const char *settings_get(struct settings *s, const char *name);

/* The pod that weaverfs would make with these, as JSON. -EINVAL: what it says about it. */
int settings_pod(struct settings *s, struct buf *out, struct error *e);

/* A weaverfs SOURCE: a path, a context, or NULL with the setting kubeconfig. Returns owned. */
struct cluster;
int settings_cluster(struct settings *s, const char *source, struct cluster **ret, struct error *e);
