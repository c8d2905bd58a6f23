#!/bin/bash
# A mount of an empty namespace is healthy and empty, and ends with a plain umount.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
assert_eq ok "$(head -n 1 "$MNT/.weaverfs/health")" health
assert_eq "" "$(ls "$MNT")" "weavers in it"
umount_weavers
expect_fail mountpoint -q "$MNT"
