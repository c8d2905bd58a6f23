/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCE `kubesim`: a simulated cluster of the mount's own, which ends with it. Main thread. */
#pragma once
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

struct embedded;

/* Starts the kubesim beside our own binary, else the one in $PATH, and waits until it is ready. */
int embedded_start(struct embedded **ret, struct error *e);
const char *embedded_kubeconfig(const struct embedded *m);
const char *embedded_state_dir(const struct embedded *m); /* goes with it */
void embedded_stop(struct embedded *m);                   /* ends it, removes its files, frees */
DEFINE_CLEANUP(struct embedded *, embedded_stop)
