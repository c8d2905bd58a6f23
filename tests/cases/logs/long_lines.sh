#!/bin/bash
# Lines of any length come whole and once, one of 3 MiB also when weaverfs is killed in the middle of it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# The kubelet cuts lines at 16 KiB and puts them together again. The runtime drops what is in the pipe
# when a container ends (containerd 1.6), hence the sleep before.
mount_weavers
print='line() { head -c $1 /dev/zero | tr "\0" $2; echo; }
	for n in 16383 16384 16385 32768 100000; do line $n x; done; line 1500000 y; printf end; sleep 1'
make_pod a "$print"
wait_for 30 status_is a succeeded
bash -c "${print%; sleep 1}" >"$W/expected"
cat "$MNT/a/logs" >"$W/got"
cmp "$W/expected" "$W/got" >&2 || fail "long lines: they differ"

reached()
{
	[ "$(cat "$MNT/b/logs" | wc -c)" -ge "$1" ]
}

print='echo first; for i in $(seq 30); do head -c 100000 /dev/zero | tr "\0" $((i % 10)); sleep 0.3; done
	echo; echo last; sleep 1'
make_pod b "$print"
wait_for 30 reached 1200000
kill_weavers
remount
wait_for 30 status_is b succeeded
print=${print%; sleep 1}
bash -c "${print/sleep 0.3/:}" >"$W/expected"
cat "$MNT/b/logs" >"$W/got"
cmp "$W/expected" "$W/got" >&2 || fail "a line of 3 MiB: differs after kill -9"
