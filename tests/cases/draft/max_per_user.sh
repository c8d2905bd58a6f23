#!/bin/bash
# max_per_user bounds what one uid may have, by mkdir, mv and new alike; users_file names the owner.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

printf '2001: alice\n' >"$W/users"
mount_weavers "max_per_user=2,users_file=$W/users"
as 2001:2001 mkdir "$MNT/a" "$MNT/.drafts/d"
as 2001:2001 mkdir "$MNT/b"
assert_errno 'Disk quota exceeded' as 2001:2001 mkdir "$MNT/c"
assert_match 'EDQUOT.*max_per_user is 2.*uid 2001' "$(tail -n 1 "$MNT/.weaverfs/errors")"
assert_errno 'Disk quota exceeded' as 2001:2001 mv "$MNT/.drafts/d" "$MNT/c"
assert_match '^c EDQUOT ' "$(as 2001:2001 bash -c 'exec 3<>"$1"; echo c >&3; cat <&3' - "$MNT/.weaverfs/new")"
as 2002:2001 mkdir "$MNT/c"
assert_eq "alice 2002" "$(k get pods -l 'loom.dev/name in (a,c)' --sort-by=.metadata.labels.'loom\.dev/name' \
	-o json | jq -r '[.items[].metadata.labels["loom.dev/owner-user-id"]] | join(" ")')"
as 2001:2001 rmdir "$MNT/a"
makes()
{
	as 2001:2001 mv "$MNT/.drafts/d" "$MNT/d"
}
wait_for 30 makes
