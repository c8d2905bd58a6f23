#!/bin/bash
# weaver ps is the table of loom weaver ps; --json its members; -q, -a, -w and filters choose and show.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/cli.sh"

mount_weavers
runs 0 weaver ps
assert_eq 'No weavers running' "$out"
runs 0 weaver ps -w
assert_eq 'No weavers running' "$out"
runs 0 weaver ps -q
assert_eq '' "$out"
runs 0 weaver ps --json
assert_eq '[]' "$(jq -c . <<<"$out")"

mkdir "$MNT/.drafts/a" && printf 'team=red\nx=1\n' >"$MNT/.drafts/a/tags" && mv "$MNT/.drafts/a" "$MNT"
mkdir "$MNT/ab"
wait_for 60 status_is a running
wait_for 60 status_is ab running
runs 0 weaver ps
assert_eq "$(cat "$MNT/.weaverfs/weavers")" "$out" "the table"
runs 0 weaver ps --filter status=running
assert_eq "$(sort "$MNT/.weaverfs/weavers")" "$(sort <<<"$out")" "the table, made from the files"
runs 0 weaver ps --json
assert_eq '["age_hours","created_at","id","image","lifetime_hours","pod_name","status"]' \
	"$(jq -c 'map(keys) | unique | .[0]' <<<"$out")"
assert_eq "$(cat "$MNT/a/id")|$(cat "$MNT/a/pod")|running|$(cat "$MNT/a/created")|$TEST_IMAGE|4" \
	"$(jq -r '.[0] | [.id, .pod_name, .status, .created_at, .image, .lifetime_hours] | join("|")' <<<"$out")"
runs 0 weaver ps --json -w
assert_eq '"a" "team=red\nx=1"' "$(jq -c '.[0] | .name, .tags' <<<"$out" | paste -sd' ')"

chosen()
{
	local expected=$1
	shift
	runs 0 weaver ps -q "$@"
	assert_eq "$expected" "$(paste -sd' ' <<<"$out")" "ps -q $*"
}
chosen 'a ab'
chosen 'a' --filter tag=team
chosen 'a' -l team=red
chosen '' -l team=blue
chosen 'a' -l team=red -f status=running
chosen 'a ab' -f name=a -f owner=0 -f image="${TEST_IMAGE%:*}"
chosen 'ab' -f name=b
chosen 'ab' ab
chosen '' -f owner=1
chosen 'a' -f id="$(cut -c1-23 "$MNT/a/id")" -f name=a a
assert_match '^a +running +[0-9]+s +(4h0m|3h59m) +0:0 ' "$(weaver ps -w --no-headers a)"

rmdir "$MNT/ab"
chosen 'a' -f status=running
chosen "ab~$(cut -c29- "$MNT"/.archive/ab~*/id)" -a -f name=ab
runs 2 weaver ps --filter colour=red
assert_match 'KEY of status' "$err"
runs 2 weaver ps --nonsense
assert_match 'no such option: --nonsense' "$err"
