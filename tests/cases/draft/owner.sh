#!/bin/bash
# A draft is its maker's alone, and so is the weaver it becomes; root may do all of it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
assert_eq 1777 "$(stat -c %a "$MNT/.drafts")"
D=$MNT/.drafts/mine
as 2001:2001 mkdir "$D"
assert_eq "700 2001:2001" "$(stat -c '%a %u:%g' "$D")"
assert_eq "600 2001:2001" "$(stat -c '%a %u:%g' "$D/env")"
assert_eq "600 2001:2001" "$(stat -c '%a %u:%g' "$D/secrets")"
assert_errno 'Permission denied' as 2002:2001 ls "$D"
assert_errno 'Permission denied' as 2002:2001 cat "$D/image"
assert_errno 'Permission denied' as 2002:2001 tee "$D/cpu" <<<1
assert_errno 'Operation not permitted' as 2002:2001 rmdir "$D"
assert_errno 'Operation not permitted' as 2002:2001 mv "$D" "$MNT/stolen"
assert_errno 'Operation not permitted' as 2002:2001 mv "$D" "$MNT/.drafts/stolen"
assert_eq "" "$(pods)"
as 2001:2001 tee "$D/cpu" <<<200m >/dev/null
as 2001:2001 mv "$D" "$MNT/mine"
assert_eq "750 2001:2001" "$(stat -c '%a %u:%g' "$MNT/mine")"
assert_errno 'Permission denied' as 2002:2002 cat "$MNT/mine/cpu"

(umask 077 && as 2001:2001 mkdir "$MNT/.drafts/tight")
mv "$MNT/.drafts/tight" "$MNT/tight" # by root: the owner stays who it was
assert_eq "700 2001:2001" "$(stat -c '%a %u:%g' "$MNT/tight")"
assert_errno 'Operation not permitted' as 2002:2002 mv "$MNT/mine" "$MNT/theirs"
as 2001:2001 mv "$MNT/mine" "$MNT/renamed"
assert_eq "750 2001:2001" "$(stat -c '%a %u:%g' "$MNT/renamed")"
