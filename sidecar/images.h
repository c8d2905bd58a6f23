/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF objects that are part of this program, as the build has made them. Read-only. */
#pragma once
#include "sidecar/object.h"

/* clang-format off */
#define IMAGES(X)                                                                                  \
	X(identity) X(snapshot) X(process) X(calls) X(calls_file) X(calls_net) X(calls_dns) X(calls_privilege)    \
	X(calls_memory) X(calls_escape) X(file) X(network) X(dns) X(privilege) X(memory)           \
	X(escape) X(uring)
/* clang-format on */

#define X(name) extern const struct object_image images_##name;
IMAGES(X)
#undef X
