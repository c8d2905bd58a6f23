/* SPDX-License-Identifier: Apache-2.0 */
/* A weaver that is being made: a draft in .drafts, then mv. */
#pragma once
#include <stdbool.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

/*
 * What to write into which file of the draft. Lists (env, tags, secrets) are added to what the
 * draft holds from .weaverfs/defaults, a key of theirs in place of the same one.
 */
struct draft_value {
	const char *file;
	const char *text; /* borrowed */
};

#define DRAFT_VALUES_MAX 128

struct draft {
	struct draft_value values[DRAFT_VALUES_MAX];
	int n;
};

/* False: there is no room for more. */
bool draft_add(struct draft *d, const char *file, const char *text);
/* Makes the weaver `name`: a mkdir where there are no values. -errno: nothing is left behind. */
int draft_create(const struct draft *d, const char *mount, const char *name, struct error *e);
