#!/bin/bash
# The guide's quota holds exactly 64 default weavers; the 65th is EDQUOT by our cap, and by the quota.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

agree()
{
	[ "$(pods)" = "$(ls "$MNT" | sort)" ]
}

mount_weavers
mkdir "$MNT"/w{1..64}
assert_errno 'Disk quota exceeded' mkdir "$MNT/w65"
assert_match 'EDQUOT.*max_concurrent is 64' "$(tail -n 1 "$MNT/.weaverfs/errors")"
assert_eq 64 "$(pods | wc -l)"
agree || fail "kubectl and ls disagree"
umount_weavers
mount_weavers max_concurrent=128
# The quota controller counts anew now and then, from a cache that may be late.
quota_used()
{
	[ "$(k get resourcequota weaver-quota -o 'jsonpath={.status.used.pods}')" = 64 ]
}
wait_for 30 quota_used
assert_errno 'Disk quota exceeded' mkdir "$MNT/w65"
assert_match 'EDQUOT.*exceeded quota: weaver-quota' "$(tail -n 1 "$MNT/.weaverfs/errors")"
agree || fail "kubectl and ls disagree"
assert_eq 64 "$(grep -c . <(sed 1,2d "$MNT/.weaverfs/weavers"))" "rows of .weaverfs/weavers"

# Room again once expired ones are gone.
for w in w1 w2; do
	echo 1 >"$MNT/$w/ttl"
done
makes()
{
	mkdir "$MNT/w65"
}
wait_for 30 makes
agree || fail "kubectl and ls disagree after the reaper"
rmdir "$MNT"/w*
assert_eq "" "$(pods)"
