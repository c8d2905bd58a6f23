#!/bin/bash
# Two mounts that give two weavers one name at once, by mv or mkdir: one of them at most gets it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

settled()
{
	[ "$(ls "$MNT")" = "$(ls "$W/other")" ] && [ "$(pods)" = "$(ls "$MNT")" ]
}

# On no node: the pods come and go at once.
echo 'spec: {nodeSelector: {none: "x"}}' >"$W/patch.yaml"
mount_weavers "max_concurrent=200,pod_patch=$W/patch.yaml"
MNT=$W/other mount_weavers "max_concurrent=200,pod_patch=$W/patch.yaml"
won=0
for i in {1..16}; do
	mkdir "$MNT/a"
	wait_for 5 test -d "$W/other/a"
	if [ $((i % 2)) = 0 ]; then
		mkdir "$W/other/b"
		wait_for 5 test -d "$MNT/b"
		theirs=(mv -T "$W/other/b" "$W/other/x")
	else
		theirs=(mkdir "$W/other/x")
	fi
	ours=0
	mv -T "$MNT/a" "$MNT/x" 2>"$W/ours" &
	us=$!
	"${theirs[@]}" 2>"$W/theirs" && status=0 || status=1
	wait $us || ours=1
	[ $((ours + status)) -ge 1 ] || fail "race $i: both have it"
	won=$((won + 2 - ours - status))
	[ $ours = 0 ] || grep -q 'File exists' "$W/ours" || fail "race $i: $(cat "$W/ours")"
	[ $status = 0 ] || grep -q 'File exists' "$W/theirs" || fail "race $i: $(cat "$W/theirs")"
	wait_for 10 settled
	assert_eq 1 "$(pods | grep -c '^x$')" "race $i"
	rmdir "$MNT"/*
	wait_for 10 settled
done
assert_eq 16 "$won" "winners"
