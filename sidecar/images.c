/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/images.h"

#include "sidecar/scope.h"

#include "calls.skel.h"
#include "calls_dns.skel.h"
#include "calls_escape.skel.h"
#include "calls_file.skel.h"
#include "calls_memory.skel.h"
#include "calls_net.skel.h"
#include "calls_privilege.skel.h"
#include "dns.skel.h"
#include "escape.skel.h"
#include "file.skel.h"
#include "identity.skel.h"
#include "memory.skel.h"
#include "network.skel.h"
#include "privilege.skel.h"
#include "process.skel.h"
#include "snapshot.skel.h"
#include "uring.skel.h"

#define X(name) const struct object_image images_##name = { #name, name##_bpf__elf_bytes };
IMAGES(X)
#undef X
