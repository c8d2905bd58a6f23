/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a user entry that are lists of their own: the exec plugin and impersonation. */
#pragma once
#include "k8s/cluster_private.h"
#include "k8s/kubeconfig_yaml.h"

/* c->auth.exec from `exec` of the user, with what it may know of the cluster; not yet run. */
int kubeconfig_exec_plugin(struct cluster *c, struct kubeconfig_yaml *cluster_file,
			   const yaml_node_t *cluster, struct kubeconfig_yaml *file,
			   const yaml_node_t *user, struct error *e);
/* c->impersonate from `as`, `as-uid`, `as-groups`, `as-user-extra`. */
int kubeconfig_exec_impersonation(struct cluster *c, struct kubeconfig_yaml *file,
				  const yaml_node_t *user, struct error *e);
