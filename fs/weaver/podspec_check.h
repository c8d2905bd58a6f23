/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be in a podspec, value by value: as strict as the API server is later, so that a draft's
 * writer hears of it at once, with a sentence. Pure. All return 0 or -EINVAL, where nothing else is
 * said; `what` is the file's name and begins the sentence.
 */
#pragma once
#include <stdbool.h>

#include "fs/weaver/podspec.h"

/* Largest numbers and sizes that a draft takes. */
#define PODSPEC_PAIRS_MAX 1000
#define PODSPEC_TAGS_BYTES_MAX (240 * 1024) /* of the 256 KiB that all annotations may have */
#define PODSPEC_ARGUMENTS_MAX 4096

/* [registry[:port]/]path[:tag][@digest], as distribution's reference grammar has it. */
int podspec_check_image(const char *image, struct error *e);
/* A Kubernetes quantity of more than 0. */
int podspec_check_quantity(const char *what, const char *text, struct error *e);
/* A variable's name that the user may set: legal, none of podspec_check_is_ours(), no LD_*. */
int podspec_check_key(const char *what, const char *key, struct error *e);
/* The variables that podspec_build() sets (loom-compat.md §2). */
bool podspec_check_is_ours(const char *name);
/* UTF-8 without control characters, but for the tab where that is said. */
int podspec_check_text(const char *what, const char *text, bool tab, struct error *e);
/* No control characters, no blanks, no leading dash that git would take for an option. */
int podspec_check_git(const char *what, const char *text, struct error *e);
int podspec_check_workdir(const char *path, struct error *e);

/* What the values of a draft must be to each other; -ERANGE: ttl over the longest lifetime. */
int podspec_check_together(const struct podspec *s, const struct config *config, struct error *e);
/* The least that podspec_build() needs, whoever filled s. */
int podspec_check_build(const struct podspec *s, const char *name, const struct config *config,
			struct error *e);
