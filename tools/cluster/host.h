/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor looks at without a cluster. */
#pragma once
#include "tools/cluster/report.h"
#include "tools/cluster/settings.h"

void host_check_kernel(struct report *r);
void host_check_fuse(struct report *r);
void host_check_btf(struct report *r, struct settings *s);
void host_check_mounts(struct report *r);
