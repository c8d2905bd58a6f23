#!/bin/bash
# 64 weavers leave at once, by rmdir and by the reaper: each archive is complete, and nothing leaks.
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# tier: all
. "$LIB/case.sh"

all_run()
{
	[ "$(cat "$MNT"/*/status | grep -c running)" = 64 ]
}

all_over()
{
	[ "$(cat "$MNT"/.archive/*/status | grep -vc terminating)" = "$1" ]
}

none_left()
{
	[ -z "$(k get pods -o name)" ]
}

# open_files, threads, memory_kb: of the daemon.
open_files()
{
	ls "/proc/${weaverfs_pids[$MNT]}/fd" | wc -l
}

threads()
{
	ls "/proc/${weaverfs_pids[$MNT]}/task" | wc -l
}

memory_kb()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${weaverfs_pids[$MNT]}/status"
}

settled()
{
	[ "$(open_files)" -le "$1" ] && [ "$(threads)" -le "$2" ]
}

# leave: makes 64 that print on for most of their grace, ends half by rmdir and half by the reaper, checks all.
leave()
{
	local i pid rmdirs=()
	for i in $(seq 64); do
		make_pod_json "w$i" "$(cat /proc/sys/kernel/random/uuid)" \
			'trap "n=12" TERM; i=0; n=100000; while [ $n -gt 0 ]; do n=$((n - 1)); i=$((i + 1)); echo "line $i"; sleep 0.3; done; echo "last $i"' |
			jq '.spec.containers[0].resources = {limits: {cpu: "100m", memory: "32Mi"}, requests: {cpu: "1m", memory: "8Mi"}}'
	done | k create -f - >/dev/null
	wait_for 300 all_run
	# All of the reaper's in one second, and the others meanwhile.
	at=$(date -u -d '+3 seconds' +%Y-%m-%dT%H:%M:%SZ)
	for i in $(seq 33 64); do
		k annotate pod -l "loom.dev/name=w$i" "loom.dev/expires-at=$at" >/dev/null &
		rmdirs+=("$!")
	done
	wait "${rmdirs[@]}"
	rmdirs=()
	for i in $(seq 32); do
		rmdir "$MNT/w$i" &
		rmdirs+=("$!")
	done
	for pid in "${rmdirs[@]}"; do
		wait "$pid" || fail "a rmdir has failed"
	done
	wait_for 120 all_over 64
	wait_for 60 none_left
	assert_eq "" "$(ls "$MNT")"
	for i in $(seq 64); do
		check "$i"
	done
}

# check I: the log to its last line, each line once, who ended it, and how.
check()
{
	local entry n by='^rmdir 0:0$'
	entry=$(echo "$MNT/.archive/w$1~"*)
	[ "$1" -le 32 ] || by='^ttl$'
	assert_match "$by" "$(cat "$entry/deleted_by")" "w$1"
	assert_eq succeeded "$(cat "$entry/status")" "w$1"
	assert_eq 0 "$(cat "$entry/exit_code")" "w$1"
	n=$(grep -c '^line ' "$entry/logs")
	[ "$n" -ge 4 ] || fail "w$1: only $n lines"
	{ seq -f 'line %g' "$n" && echo "last $n"; } >"$W/expected"
	cmp "$W/expected" "$entry/logs" || fail "the log of w$1 ends with $(tail -n 2 "$entry/logs")"
	assert_eq "$(stat -c %s "$entry/logs")" "$(wc -c <"$entry/logs")"
	assert_eq "w$1" "$(jq -r '.metadata.labels["loom.dev/name"]' "$entry/pod.json")"
}

k delete resourcequota --all >/dev/null
mount_weavers cleanup_interval_secs=3600,max_concurrent=100
files=$(open_files)
threads=$(threads)
leave
wait_for 90 settled "$((files + 2))" "$threads"
assert_eq 64 "$(ls "$MNT/.archive" | wc -l)"
memory=$(memory_kb)
find "$MNT/.archive" -mindepth 1 -maxdepth 1 -exec rmdir {} +
assert_eq "" "$(ls "$MNT/.archive")"
assert_eq "" "$(find "$W"/state/*/*/archive "$W"/state/*/*/spool -type f)" "files left"

# Once more: it takes nothing more.
[ "$TEST_CLUSTER" = sim ] || exit 0
leave
wait_for 90 settled "$((files + 2))" "$threads"
[[ $WEAVERFS != */release/* ]] || [ $(($(memory_kb) - memory)) -lt 2048 ] ||
	fail "memory: $memory kB after the first 64, $(memory_kb) after the second"
