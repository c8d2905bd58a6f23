#!/bin/bash
# df shows the namespace's memory quota as kubectl does, used and free, and df -i the weavers there may be.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# quantity TEXT: bytes.
quantity()
{
	numfmt --from=auto <<<"${1/m/}" # the quotas here are Gi and Mi
}

quota()
{
	quantity "$(k get resourcequota -o json | jq -r ".items[0].status.$1[\"limits.memory\"]")"
}

same_as_quota()
{
	read -r size used avail < <(df -B1 --output=size,used,avail "$MNT" | tail -n 1)
	[ "$size" = "$(quota hard)" ] && [ "$used" = "$(quota used)" ] &&
		[ "$avail" = $((size - used)) ]
}

mount_weavers max_concurrent=7
wait_for 10 same_as_quota
assert_eq 0 "$used"
mkdir "$MNT/a" "$MNT/b"
wait_for 5 same_as_quota
[ "$used" -gt 0 ] || fail "nothing is used"
assert_eq "7 2 5" "$(df --output=itotal,iused,iavail "$MNT" | tail -n 1 | xargs)"
k delete pod "$(cat "$MNT/a/pod")" --grace-period=0 --force >/dev/null 2>&1
rmdir "$MNT/b"
wait_for 40 same_as_quota
k delete resourcequota --all >/dev/null
umount_weavers
mount_weavers
# Without a quota what the nodes have, if they may be read: kubesim's user may, the Role does not
# let one, and then there is nothing.
no_quota()
{
	[ "$(df --output=size,used,avail,pcent "$MNT" | tail -n 1 | xargs)" = "$1" ]
}
case $TEST_CLUSTER in
sim) wait_for 40 no_quota "134217728 0 134217728 0%" ;;
real) wait_for 40 no_quota "0 0 0 -" ;;
esac
