/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential plugins: a command of the kubeconfig that prints an ExecCredential
 * (client.authentication.k8s.io/v1 and v1beta1; k8s.io/client-go/plugin/pkg/client/auth/exec).
 */
#pragma once
#include <stdint.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

struct auth;

/* All strings are owned; lists end with NULL. Made by kubeconfig.c, then never changed. */
struct exec_plugin {
	char *api_version;
	char *command; /* with a slash: a path; else looked for in $PATH */
	char **args;   /* command first */
	char **env;    /* "NAME=value", on top of our own environment */
	char *install_hint;
	char *info;   /* value of KUBERNETES_EXEC_INFO */
	char *origin; /* the kubeconfig, for sentences */
};

void exec_plugin_free(struct exec_plugin *p); /* NULL allowed */
/*
 * Runs it, at most until deadline_ns (monotonic) or until cancel_fd is readable (-1: none), and
 * puts what it printed into a: token, cert, key, expires_s. Any thread; blocks.
 */
int exec_plugin_run(const struct exec_plugin *p, int64_t deadline_ns, int cancel_fd, struct auth *a,
		    struct error *e);
