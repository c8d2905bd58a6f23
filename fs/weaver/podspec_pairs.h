/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of keys and values (env, secrets, tags), in the order in which keys were first written. A
 * value may be a secret: whatever held one is wiped before it is freed.
 */
#pragma once
#include <stddef.h>

#include "fs/weaver/podspec.h"

struct podspec_pairs {
	struct podspec_pair *items; /* owned */
	size_t n;
};

void podspec_pairs_done(struct podspec_pairs *p);
int podspec_pairs_copy(struct podspec_pairs *to, const struct podspec_pair *items, size_t n);
/* NULL: not there. */
const char *podspec_pairs_find(const struct podspec_pair *items, size_t n, const char *key);
/* Adds the key or gives it another value. -ENOMEM; -E2BIG: over PODSPEC_PAIRS_MAX. */
int podspec_pairs_set(struct podspec_pairs *p, const char *key, const char *value);

struct podspec_pairs_rules {
	const char *what; /* "env": begins the sentence of an error */
	int (*check_key)(const char *what, const char *key, struct error *e);
	/*
	 * A key alone stands for the value it has in here (secrets show their keys only, so that
	 * what was read can be written again); NULL: a line without = is an error.
	 */
	const struct podspec_pairs *known;
};
/*
 * KEY=VALUE lines; the last newline may be missing, empty lines are none, of a key that comes twice
 * the later one counts. Adds to *p, all or nothing. -EINVAL and why, without any value.
 */
int podspec_pairs_parse(struct podspec_pairs *p, const char *text, size_t len,
			const struct podspec_pairs_rules *rules, struct error *e);
