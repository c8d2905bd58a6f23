#!/bin/bash
# Programs that read: each gives the value, as of any file; whole trees end by themselves.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
make_pod a 'for i in $(seq 30); do echo "line $i"; done; sleep 1000'
wait_for 30 status_is a running
lines_there()
{
	[ "$(wc -l <"$MNT/a/logs")" = 30 ]
}
wait_for 10 lines_there
cd "$MNT/a"
image=$(cat image)
assert_eq running "$(cat status)" cat
assert_eq run "$(head -c 3 status)" "head -c"
assert_eq running "$(head -n 1 status)" "head -n"
assert_eq ing "$(tail -c 4 status)" "tail -c"
assert_eq "line 30" "$(tail -n 1 logs)" "tail -n"
assert_eq 30 "$({ timeout 2 tail -n +1 -f logs || true; } | wc -l)" "tail -f"
assert_eq 30 "$({ timeout 2 tail -n +1 -F logs || true; } | wc -l)" "tail -F"
assert_eq running "$(less status </dev/null)" less
assert_eq "$image" "$(grep . image)" grep
assert_eq "status:running" "$({ grep -rs running . || true; } | sed 's,^\./,,' | grep ^status)" "grep -r"
assert_eq "1 1 8" "$(wc status | awk '{print $1, $2, $3}')" wc
assert_eq running "$(sed -n 1p status)" sed
assert_eq running "$(awk '{print $1}' status)" awk
assert_eq "$(cat id)" "$(jq -r '.metadata.labels["loom.dev/weaver-id"]' pod.json)" jq
assert_eq running "$(dd if=status bs=1 2>/dev/null)" dd
assert_eq unnin "$(dd if=status bs=1 skip=1 count=5 2>/dev/null)" "dd skip"
assert_eq "line 1" "$(sort -n logs | head -n 1)" sort
cmp status <(echo running)
assert_eq "$(printf 'running\n' | sha256sum)" "$(sha256sum <status)" sha256sum
read -r word <status
assert_eq running "$word" "read < file"
assert_eq running "$(<status)" '$(<file)'
mapfile -t lines <logs
assert_eq 30 "${#lines[@]}" mapfile
assert_eq 8 "$(stat -c %s status)" stat
assert_eq "regular file" "$(stat -c %F status)"
[ -s status ] || fail "test -s status"
! [ -s reason ] || fail "test -s reason"
ls -la >/dev/null
assert_eq 0 "$(du -s --apparent-size . | cut -f 1 | awk '{print ($1 > 64)}')" du
find . -type f -newer "$W/kubeconfig" -name status | grep -q status || fail "find -newer"
assert_eq "./status" "$(find . -name status)" find
assert_match running "$(TERM=dumb timeout 2 watch -t -n 1 cat status 2>&1 || true)" watch
cd "$W"

# The whole tree: nothing that blocks is listed.
timeout 60 grep -r . "$MNT" >"$W/grep" 2>/dev/null || true
grep -q 'a/status:running' "$W/grep"
timeout 60 find "$MNT" -type f ! -name usage ! -name stdin ! -path "$MNT/a/audit" ! -path "$MNT/a/metrics" -exec cat {} + >/dev/null
timeout 60 tar cf "$W/tree.tar" -C "$MNT" a 2>/dev/null || true
assert_eq running "$(tar xOf "$W/tree.tar" a/status)" tar
