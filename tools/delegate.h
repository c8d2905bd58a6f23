/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that need a cluster are in weaver-cluster: see cluster/cluster.h. */
#pragma once

/* Becomes that program; returns an exit status where it cannot. */
int delegate_run(int argc, char **argv);
