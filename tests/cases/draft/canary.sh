#!/bin/bash
# A secret is nowhere but in its Secret and the container: not in files, errors, logs, cores, memory.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

says()
{
	grep -q "^started" "$MNT/a/logs"
}

mount_weavers log_level=debug
pid=${weaverfs_pids[$MNT]}
canary=canary$(head -c 18 /dev/urandom | base64 | tr -dc a-z0-9)
encoded=$(printf '%s' "$canary" | base64 -w 0)
hunt() # hunt WHAT FILE...: neither it nor its base64 is in there
{
	local what=$1
	shift
	! grep -raqF -e "$canary" -e "$encoded" -- "$@" 2>/dev/null || fail "the canary is in $what"
}
tree() # all that is readable without blocking
{
	grep -raF -e "$canary" -e "$encoded" "$MNT" 2>/dev/null || true
}

D=$MNT/.drafts/a
mkdir "$D" "$MNT/.drafts/b"
printf '%s\n' sh -c 'echo started; exec sleep 1000' >"$D/args"
# in pieces, refused and taken, appended, copied: each way leaves its own traces
(echo "X=1" && echo "TOKEN=$canary" && printf 'Y=%s' "$canary") >"$D/secrets"
! env printf 'OTHER=%s\n1BAD=%s\n' "$canary" "$canary" >"$D/secrets" 2>/dev/null
! printf '1BAD=%s\n' "$canary" >>"$D/secrets" 2>/dev/null
printf 'Z=%s\n' "$canary" >>"$D/secrets"
for ((i = 0; i < 200; i++)); do
	printf 'FILL%d=%s%064d\n' "$i" "$canary" "$i"
done >"$MNT/.drafts/b/secrets"
assert_eq 200 "$(wc -l <"$MNT/.drafts/b/secrets")"
assert_eq "" "$(tree)" "found in the tree, as a draft"
hunt "the command line and environment" "/proc/$pid/cmdline" "/proc/$pid/environ"
hunt "the log" "$W/weaverfs.log"
hunt "the state directory" "$W/state"
rmdir "$MNT/.drafts/b"
mv "$D" "$MNT/a"
wait_for 60 says
assert_eq "$canary" "$(k get secret "weaver-$(cat "$MNT/a/id")-secrets" -o json | jq -r '.data.TOKEN | @base64d')"
assert_eq "" "$(tree)" "found in the tree, as a weaver"
k get events,pods -o json >"$W/objects"
hunt "events and pods" "$W/objects"
hunt "the log" "$W/weaverfs.log"
hunt "the state directory" "$W/state"
# A core of the daemon, as root may take one, has none of it left once the weaver is made.
if command -v gdb >/dev/null && [ "${O##*/}" = release ]; then
	gdb -q -batch -p "$pid" -ex "gcore $W/core" >"$W/gdb" 2>&1 || true
	[ -s "$W/core" ] || fail "no core: $(tail -n 3 "$W/gdb")"
	grep -aqF weaver- "$W/core" || fail "the core has nothing in it"
	hunt "the memory of weaverfs" "$W/core"
	rm "$W/core"
fi
rmdir "$MNT/a"

# The kernel writes no core either, where it does for others.
core_written()
{
	[ -n "$(find "$W" -maxdepth 1 -name 'core*' -size +0)" ]
}
cd "$W"
ulimit -c unlimited 2>/dev/null || true
timeout -s SEGV 0.2 sleep 1000 2>/dev/null || true
if core_written; then
	rm "$W"/core*
	umount_weavers
	# A sanitizer would catch the signal, and report it.
	ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0 TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0 mount_weavers
	crashed=${weaverfs_pids[$MNT]}
	kill -SEGV "$crashed"
	wait "$crashed" 2>/dev/null || true
	unset "weaverfs_pids[$MNT]"
	! core_written || fail "the kernel has written a core of weaverfs"
	wait_for 10 umount "$MNT"
fi
