#!/bin/bash
# 10,000 commands leave no descriptor, process, socket or memory behind, in weaverfs and in the weaver.
# SPDX-License-Identifier: Apache-2.0
# timeout: 3000
# tier: all
. "$LIB/case.sh"
. "$LIB/into.sh"

memory_kb()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# some N: that many commands, 8 at a time; every fourth by the exec file.
some()
{
	seq "$1" | xargs -P 8 -I {} bash -c 'if [ $(({} % 4)) = 0 ]; then
			exec 3<>"$0/exec"; echo "echo {}" >&3; said=$(cat <&3)
		else
			said=$("$0/sh" -c "echo {}")
		fi
		[ "$said" = {} ] || { echo "{}: $said"; exit 255; }' "$MNT/a" || fail "one of $1"
}

mount_weavers
running_weaver a
pid=${weaverfs_pids[$MNT]}
some 1000
wait_for 20 none_in_weaver a 'echo'
descriptors=$(descriptors "$pid") memory=$(memory_kb "$pid")
processes=$("$MNT/a/sh" -c 'set -- /proc/[0-9]*; echo $#')
some 9000
no_more_descriptors()
{
	[ "$(descriptors "$pid")" -le "$descriptors" ]
}
no_more_processes()
{
	[ "$("$MNT/a/sh" -c 'set -- /proc/[0-9]*; echo $#')" -le "$processes" ]
}
wait_for 20 no_more_descriptors
wait_for 20 no_more_processes
[ "$(memory_kb "$pid")" -le $((memory + 4096)) ] || fail "memory: $memory kB, then $(memory_kb "$pid") kB"
