/* SPDX-License-Identifier: Apache-2.0 */
/* The sidecar's settings: the environment that weaverfs gives it (fs/weaver/podspec_sidecar.c). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/log.h"

struct error;

struct settings {
	/* borrowed from the environment; "" where not set */
	const char *weaver_id, *org_id, *owner_user_id, *pod_name, *pod_namespace, *server_url;
	const char *buffer_path, *paths_ignore, *paths_always, *token_path, *ca_path;
	int64_t batch_interval_ms, buffer_max_bytes, metrics_port, health_port, read_sample;
	int64_t stdout_bytes; /* a second */
	int64_t rate_limit;   /* records of a kind a second; 0: any number */
	enum log_level log_level;
	bool allow_insecure_http;
};

/* A bad value is an error that names its variable. */
int settings_load(struct settings *ret, struct error *e);
/* The variables, their defaults and meanings, for --help and docs/audit.md. */
void settings_help(struct buf *out);
