/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of sandbox.c: bubblewrap for a container, nsenter for one that joins it. */
#pragma once
#include "tools/kubesim/cgroup.h"
#include "tools/kubesim/sandbox.h"

/* Descriptors of the child that the command line names. */
#define BWRAP_ARGS_FD 3
#define BWRAP_INFO_FD 4
#define BWRAP_FD_MAX (CGROUP_JOIN_FD + CGROUP_TREES - 1)
/* kubesim itself, in a sandbox that has a cgroup. */
#define BWRAP_KUBESIM "/.kubesim"
#define BWRAP_WORDS 5
#define BWRAP_WORD 300

/* Arguments can be long: bwrap reads its own from a descriptor. Owned; -1: failed. */
int bwrap_args_fd(const struct sandbox_spec *spec);
/* An owned array of borrowed words, some of them in words; NULL: out of memory. */
char **bwrap_argv_new(const struct sandbox_spec *spec, char (*words)[BWRAP_WORD]);
