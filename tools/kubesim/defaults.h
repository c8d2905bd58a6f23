/* SPDX-License-Identifier: Apache-2.0 */
/* What the API server fills into a new pod, in the shape seen on 1.34. */
#pragma once
#include "tools/kubesim/json.h"

void defaults_pod(cJSON *pod); /* spec and status; metadata.generation */
