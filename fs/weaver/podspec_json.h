/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a Pod of cJSON values: adding to a NULL object gives NULL, so that a run of additions is
 * checked once, by the sticky `failed` of the builder. Private to podspec.c and podspec_sidecar.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cJSON;

struct podspec_json {
	bool failed; /* out of memory; what was built is incomplete */
};

/* key NULL: to appends to an array. The new object or array is borrowed from `to`. */
struct cJSON *podspec_json_object(struct podspec_json *b, struct cJSON *to, const char *key);
struct cJSON *podspec_json_array(struct podspec_json *b, struct cJSON *to, const char *key);
void podspec_json_string(struct podspec_json *b, struct cJSON *to, const char *key,
			 const char *value);
void podspec_json_number(struct podspec_json *b, struct cJSON *to, const char *key, int64_t value);
void podspec_json_bool(struct podspec_json *b, struct cJSON *to, const char *key, bool value);
/* {"name": name, "value": value} into an env array; value NULL: nothing. */
void podspec_json_env(struct podspec_json *b, struct cJSON *env, const char *name,
		      const char *value);
void podspec_json_env_number(struct podspec_json *b, struct cJSON *env, const char *name,
			     int64_t value);
/*
 * Merges patch into *to as RFC 7386 does, except that lists whose elements have a name (containers,
 * volumes, env; mounts have a path) are merged element by element, as kubectl's strategic merge.
 */
void podspec_json_merge(struct podspec_json *b, struct cJSON *to, const struct cJSON *patch);
