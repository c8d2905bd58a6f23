/* SPDX-License-Identifier: Apache-2.0 */
/* The two rings and the counters beside them: what came, what was lost. One thread. */
#pragma once
#include "sidecar/probes.h"

struct error;
struct object_set;
struct rings;

int rings_open(struct rings **ret, const struct object_set *s, struct error *e);
void rings_close(struct rings *r);
int rings_fd(const struct rings *r);
int rings_poll(struct rings *r, int timeout_ms, probes_event_fn *fn, void *arg, struct error *e);
int rings_counters(struct rings *r, struct probes_counters *ret, struct error *e);
