#!/bin/bash
# Weavers are audited where nothing else is said: mkdir alone, until `audit` has what it did.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/audit.sh"

options=$(audit_options)
unset LOOM_SERVER_WEAVER_AUDIT_ENABLED
mount_weavers "${options#audit_enabled=true,audit_probes=private,}"
audited_weaver a
"$MNT/a/sh" -c 'exec sh -c "true seen"'
wait_for 10 audit_has a '.event_type == "process_exec" and .details.argv[-1] == "true seen"'
assert_match '^audit_enabled=true  # default' "$(grep ^audit_enabled "$MNT/.weaverfs/config")"
