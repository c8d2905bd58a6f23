/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define MOUNTPOINT_DEFAULT "/mnt/weavers"
