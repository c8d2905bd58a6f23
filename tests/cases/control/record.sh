#!/bin/bash
# Who did what is in the log, with uid and result, and no value that was written.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# logged REGEX: one line of the log.
logged()
{
	grep -Eq "^weaverfs: $1\$" "$W/weaverfs.log" || fail "no line '$1'"
}

mount_weavers allow_other,max_concurrent=3
as 1000:1000 mkdir "$MNT/a"
logged 'mkdir a by uid 1000, pid [0-9]+: ok'
as 1000:1000 mv "$MNT/a" "$MNT/b"
logged 'mv a b by uid 1000, pid [0-9]+: ok'
as 1000:1000 sh -c "echo 7200 >'$MNT/b/ttl'"
logged 'ttl b by uid 1000, pid [0-9]+: ok'
if as 1000:1000 sh -c "echo 9999d >'$MNT/b/ttl'" 2>/dev/null; then fail "a ttl of 9999 days"; fi
logged 'ttl b by uid 1000, pid [0-9]+: ERANGE'
mkdir "$MNT/.drafts/d"
echo 'TOKEN=canary-of-record' >"$MNT/.drafts/d/env"
mv "$MNT/.drafts/d" "$MNT/d"
logged 'mv d by uid 0, pid [0-9]+: ok'
expect_fail mkdir "$MNT/d"
mkdir "$MNT/e"
expect_fail mkdir "$MNT/f"
logged 'mkdir f by uid 0, pid [0-9]+: EDQUOT'
as 1000:1000 rmdir "$MNT/b"
logged 'rmdir b by uid 1000, pid [0-9]+: ok'
if grep -Eq 'canary-of-record|7200|9999d' "$W/weaverfs.log"; then fail "a value is in the log"; fi
