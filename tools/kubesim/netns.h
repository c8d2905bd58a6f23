/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets inside a sandbox's own network. Only a real audit sidecar has one: each serves the same
 * ports, and pods else share the host's network.
 */
#pragma once
#include <sys/types.h>

/* A non-blocking TCP socket in the network of pid (0: our own); -errno. */
int netns_socket(pid_t pid);
