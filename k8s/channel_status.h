/* SPDX-License-Identifier: Apache-2.0 */
/* The error channel's Status (KEP-4006, client-go's tools/remotecommand/v4.go) → an end. */
#pragma once
#include <stddef.h>

#include "k8s/channel.h"

void channel_status_read(const char *json, size_t len, struct channel_end *ret);
