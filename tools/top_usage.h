/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `usage` and `metrics` are fetched from the cluster when they are opened, which may take 2 s each:
 * a thread opens them, one weaver at a time, so that keys and clock go on.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct top_usage {
	int64_t cpu_milli, memory; /* -1: unknown */
	int64_t events;            /* captured by its audit sidecar so far; -1: unknown */
};

struct top_answer {
	char id[48];
	struct top_usage usage;
};

struct top_fetcher;

int top_usage_start(const char *mount, struct top_fetcher **ret, struct error *e);
/* At most one question is open. */
void top_usage_ask(struct top_fetcher *f, const char *id);
int top_usage_fd(const struct top_fetcher *f); /* readable: an answer is there */
bool top_usage_answer(struct top_fetcher *f, struct top_answer *ret);
void top_usage_stop(struct top_fetcher *f);

/* Both files now, in this thread. */
void top_usage_read(const char *mount, const char *id, struct top_usage *ret);
