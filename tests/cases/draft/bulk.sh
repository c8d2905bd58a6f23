#!/bin/bash
# .weaverfs/new makes many weavers side by side and says of each what became of it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"

k delete resourcequota --all >/dev/null
# On no node, so that two processors do not have to run them all.
echo 'spec: {nodeSelector: {none: "x"}}' >"$W/patch.yaml"
mount_weavers "max_concurrent=70,pod_patch=$W/patch.yaml"
N=$MNT/.weaverfs/new
echo 10m >"$MNT/.weaverfs/defaults/cpu"
echo 16Mi >"$MNT/.weaverfs/defaults/memory"
mkdir "$MNT/.drafts/d"
echo 20m >"$MNT/.drafts/d/cpu"
exec 3<>"$N"
printf 'w%d\n' {1..60} >&3
printf 'd1 d\nA_B\nw1\nx none\n\nd2 d' >&3
mapfile -t said <&3
exec 3<&-
assert_eq 65 "${#said[@]}"
assert_eq "w1 ok" "${said[0]}"
assert_eq 62 "$(printf '%s\n' "${said[@]}" | grep -c ' ok$')"
assert_match '^A_B EINVAL a weaver.s name' "${said[61]}"
assert_match '^w1 EEXIST ' "${said[62]}"
assert_eq "x ENOENT no draft none" "${said[63]}"
assert_eq "d2 ok" "${said[64]}"
assert_eq 62 "$(ls "$MNT" | wc -l)"
assert_eq "$(ls "$MNT" | sort)" "$(pods)"
assert_eq "20m 20m 10m" "$(cat "$MNT/d1/cpu" "$MNT/d2/cpu" "$MNT/w7/cpu" | xargs)"
assert_eq d "$(ls "$MNT/.drafts")" "the draft stays"

# Another's draft; the caller owns what is made.
as 2001:2001 bash -c 'exec 3<>"$1"; printf "u1\nu2 d\n" >&3; cat <&3' - "$N" >"$W/said"
assert_eq "u1 ok" "$(head -n 1 "$W/said")"
assert_match '^u2 EACCES ' "$(tail -n 1 "$W/said")"
assert_eq 2001:2001 "$(cat "$MNT/u1/owner")"

# The cap holds for a whole batch, and nothing of a refused line is made.
exec 3<>"$N"
printf 'm%d\n' {1..20} >&3
cat <&3 >"$W/said"
exec 3<&-
assert_eq 7 "$(grep -c ' ok$' "$W/said")" "room for 70"
assert_eq 13 "$(grep -c ' EDQUOT ' "$W/said")"
assert_eq 70 "$(pods | wc -l)"
# A batch that nobody reads is made all the same; nonsense is refused as a whole.
rmdir "$MNT"/m*
settled()
{
	[ "$(k get pods -o name | wc -l)" = 63 ]
}
wait_for 60 settled
printf 'late1\nlate2' >"$N"
wait_for 10 test -d "$MNT/late2"
assert_errno 'Invalid argument' tee "$N" <<<'a b c'
rmdir "$MNT"/*
