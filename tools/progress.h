/* SPDX-License-Identifier: Apache-2.0 */
/* How a new weaver comes to run: scheduling, pulling, starting. */
#pragma once
#include <stdbool.h>

#include "k8s/base/error.h"

/*
 * Waits until the weaver runs or has ended well; on a terminal stderr shows where it is and since
 * when. -errno when it has failed, cannot start as things are, or is not ready in time
 * (ready_timeout_secs): its file `reason` then says why, and it goes on in any case.
 */
int progress_wait(int dir, const char *name, struct error *e);
