/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are: our own cgroups, found by a program of ours that sees a system call of ours. It needs
 * neither a cgroup file system nor a view of the host. One thread.
 */
#pragma once
#include "sidecar/probes.h"
#include "sidecar/scope.h"

struct error;
struct object_set;

/* Fills in the constants of all programs and what is told of them; fails without a pod's cgroup. */
int identity_find(struct object_set *s, struct scope *scope, struct probes_scope *told,
		  struct error *e);

/* The system call that the programs of scope.bpf.c answer to. */
void identity_ask(const struct scope *scope);

/* "pod<uid>" of cgroupfs and kind, "kubepods-…-pod<uid>.slice" of systemd. */
bool identity_is_pod(const char *cgroup);
