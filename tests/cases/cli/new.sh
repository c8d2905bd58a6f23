#!/bin/bash
# weaver new writes what it is told into the files, waits, prints the name; says why where it fails.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/cli.sh"

missing=missing/image patience=4
[ "$TEST_CLUSTER" = sim ] || missing=localhost/missing:none patience=60

mount_weavers ready_timeout_secs=$patience
runs 0 weaver new plain
assert_eq plain "$out"
assert_eq '' "$err" "progress, without a terminal"
assert_eq running "$(cat "$MNT/plain/status")"

runs 0 weaver new full --repo https://git.example/x.git --branch main -e A=1 -e 'B=two words' --ttl 2 \
	--cpu 200m --memory 64Mi --tag team=red --tag x= --workdir /tmp --hold --no-attach -- \
	sh -c $'echo "one\ntwo"; sleep 1000' '[x'
assert_eq full "$out"
assert_eq 'https://git.example/x.git|main|200m|64Mi|/tmp|1' "$(cd "$MNT/full" &&
	cat repo branch cpu memory workdir hold | paste -sd'|')"
assert_eq $'A=1\nB=two words' "$(cat "$MNT/full/env")"
assert_eq $'team=red\nx=' "$(cat "$MNT/full/tags")"
assert_eq '["sh","-c","echo \"one\ntwo\"; sleep 1000","[x"]' \
	"$(k get pod "$(cat "$MNT/full/pod")" -o json | jq -c '.spec.containers[0].args')"
[ "$(cat "$MNT/full/ttl")" -gt 7000 ] || fail "ttl $(cat "$MNT/full/ttl"), not 2 h"
[ "$(cat "$MNT/full/ttl")" -le 7200 ] || fail "ttl $(cat "$MNT/full/ttl"), not 2 h"

# The defaults hold, but for a key that is given.
printf 'A=default\nC=3\n' >"$MNT/.weaverfs/defaults/env"
runs 0 weaver new both -e A=mine --no-wait
assert_eq $'A=mine\nC=3' "$(sort "$MNT/both/env")"
: >"$MNT/.weaverfs/defaults/env"

runs 0 weaver new -d
assert_match '^w-[0-9a-f]{6}$' "$out"
test -d "$MNT/$out"

# What fails says so and leaves nothing behind, but a weaver that is there.
runs 1 weaver new plain
assert_match 'plain: File exists' "$err"
runs 1 weaver new plain -e A=1
assert_match 'plain: File exists' "$err"
runs 1 weaver new Bad
assert_match 'made of a-z, 0-9 and -' "$err"
runs 1 weaver new other --cpu nonsense
assert_match 'cpu.*nonsense' "$err"
runs 2 weaver new other -e NOVALUE
assert_match 'KEY=VALUE' "$err"
runs 2 weaver new one two
assert_eq '' "$(ls "$MNT/.drafts")" "drafts"
expect_fail test -e "$MNT/other"

runs 1 weaver new noimage --image $missing --cpu 10m
assert_eq noimage "$out"
assert_match $'(ErrImagePull|ImagePullBackOff)(: .*)?\nhint: check that the image exists' "$err"
assert_match 'it is kept: weaver describe noimage' "$err"
runs 0 weaver new quick --cpu 10m -- true
assert_eq quick "$out"

# Known not to be ready in time, it goes on. A kubelet may say Running before it says that it has
# ended, and then new has done its part.
if [ "$TEST_CLUSTER" = sim ]; then
	runs 1 weaver new ends --cpu 10m -- sh -c 'echo last words >&2; exit 7'
	assert_match 'ends: it has failed' "$err"
	assert_match 'exit code 7' "$err"
	runs 1 weaver new late --image slow/image
	assert_match 'late: it does not run yet, and ready_timeout_secs are over' "$err"
	test -d "$MNT/late"
fi
