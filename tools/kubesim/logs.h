/* SPDX-License-Identifier: Apache-2.0 */
/* GET …/pods/NAME/log with the parameters of PodLogOptions. */
#pragma once
#include "tools/kubesim/route.h"
#include "tools/kubesim/store.h"

void logs_serve(struct request *r, const struct object *pod);
