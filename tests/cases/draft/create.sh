#!/bin/bash
# A draft holds the defaults, takes values, and mv makes a weaver of it in one step, with all of them.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
D=$MNT/.drafts/a
mkdir "$D"
assert_eq "" "$(pods)" "a draft has no pod"
assert_eq a "$(ls "$MNT/.drafts")"
assert_eq "args branch command cpu env hold image memory repo secrets tags ttl workdir" \
	"$(ls "$D" | xargs)"
assert_eq "$TEST_IMAGE 900m 1920Mi 14400 0" \
	"$(cat "$D/image" "$D/cpu" "$D/memory" "$D/ttl" "$D/hold" | xargs)" "the defaults"

echo 100m >"$D/cpu"
echo 64Mi >"$D/memory"
printf '%s\n' sh -c 'echo "$A $B"; exec sleep 1000' >"$D/args"
printf 'A=one two\nB=x=y\n' >"$D/env"
echo B=z >>"$D/env"
echo /tmp >"$D/workdir"
echo https://git.example/r >"$D/repo"
echo main >"$D/branch"
echo 90m >"$D/ttl"
echo +30m >"$D/ttl"
printf 'team=core\nissue=5\n' >"$D/tags"
echo 1 >"$D/hold"
assert_eq 7200 "$(cat "$D/ttl")"
assert_eq $'A=one two\nB=z' "$(cat "$D/env")" "appended"
mv "$D" "$MNT/b"
assert_eq "" "$(ls "$MNT/.drafts")"
assert_eq b "$(pods)"

pod=$(k get pod "$(cat "$MNT/b/pod")" -o json)
assert_eq '["sh","-c","echo \"$A $B\"; exec sleep 1000"]' "$(jq -c '.spec.containers[] | select(.name == "weaver").args' <<<"$pod")"
assert_eq '100m 64Mi /tmp' "$(jq -r '.spec.containers[] | select(.name == "weaver")
	| "\(.resources.limits.cpu) \(.resources.limits.memory) \(.workingDir)"' <<<"$pod")"
assert_eq '{"team":"core","issue":"5"}' "$(jq -r '.metadata.annotations["loom.dev/tags"]' <<<"$pod")"
assert_eq b "$(jq -r .spec.hostname <<<"$pod")"
assert_eq $'A=one two\nB=z' "$(cat "$MNT/b/env")"
assert_eq "https://git.example/r main /tmp 1" \
	"$(cat "$MNT/b/repo" "$MNT/b/branch" "$MNT/b/workdir" "$MNT/b/hold" | xargs)"
[ "$(cat "$MNT/b/ttl")" -gt 7100 ] || fail "ttl of the weaver: $(cat "$MNT/b/ttl")"
says()
{
	[ "$(head -n 1 "$MNT/b/logs")" = "one two z" ]
}
wait_for 60 says
echo 0 >"$MNT/b/hold"
rmdir "$MNT/b"

mkdir "$MNT/.drafts/c"
assert_errno 'File exists' mkdir "$MNT/.drafts/c"
mv "$MNT/.drafts/c" "$MNT/.drafts/d"
assert_eq d "$(ls "$MNT/.drafts")"
rmdir "$MNT/.drafts/d"
assert_eq "" "$(ls "$MNT/.drafts")"
assert_eq "" "$(pods)"
