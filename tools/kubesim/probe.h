/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt of a startup probe: httpGet or tcpSocket on the pod's address. */
#pragma once
#include <sys/types.h>

#include "tools/kubesim/json.h"

struct probe;

/*
 * netns: whose network, as netns_socket() has it. result is called once, later; then the probe is
 * gone. NULL: out of memory.
 */
struct probe *probe_start(const cJSON *spec, const char *ip, pid_t netns,
			  void (*result)(void *data, bool good, const char *text), void *data);
void probe_cancel(struct probe *p); /* NULL allowed; no result follows */
