#!/bin/bash
# 64 mkdirs side by side, from one mount and from two, for the same and for other names: all are made once.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

printf 'spec:\n  nodeSelector: {weaverfs.dev/none: x}\n' >"$W/patch"
k delete resourcequota --all >/dev/null
mkdir "$W/said"
# A busy machine is no reason to fail here: how long a mkdir may take is for other cases.
options=pod_patch=$W/patch,max_concurrent=1000,create_timeout_ms=20000
mount_weavers "$options"
MNT=$W/other mount_weavers "$options"

# make PREFIX MOUNT: a process for each of 64 names. What one says has a file of its own: mkdir
# writes its message in parts, and those of two would get into one line.
make()
(
	for i in {1..64}; do
		mkdir "$2/$1-$i" 2>"$W/said/${2##*/}-$1-$i" &
	done
	wait
)

# What those have said that failed, without their names, counted.
said()
{
	cat "$W/said"/* | sed 's/.*: //' | sort | uniq -c | sed 's/^ *//'
}

agree()
{
	[ "$(ls "$MNT")" = "$(ls "$W/other")" ] && [ "$(pods)" = "$(ls "$MNT" | sort)" ]
}

empty()
{
	[ -z "$(ls "$MNT" "$W/other" | grep -v :)" ] && [ -z "$(k get pods -o name)" ]
}

make one "$MNT"
assert_eq "" "$(said)"
assert_eq 64 "$(ls "$MNT" | grep -c '^one-')"
make two "$MNT" &
one=$!
make three "$W/other" &
wait "$one" "$!"
wait_for 20 agree
assert_eq 192 "$(pods | wc -l)"
assert_eq "" "$(said)"

# The same names: of each pair of mkdirs one fails, and kubectl has 64 more pods, not 128.
make same "$MNT" &
one=$!
make same "$W/other" &
wait "$one" "$!"
assert_eq "64 File exists" "$(said)"
wait_for 20 agree
assert_eq 256 "$(pods | wc -l)"
rmdir "$MNT"/*
wait_for 20 empty
