#!/bin/bash
# Type=notify: READY=1 comes when the mount answers with its weavers, then WATCHDOG=1, at the end STOPPING=1.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

python3 - notify.sock >said <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while b"STOPPING=1" not in (said := s.recv(4096)):
    print(said.decode().replace("\n", " "), flush=True)
print(said.decode().replace("\n", " "), flush=True)
END
listener=$!
wait_for 10 test -S notify.sock
says()
{
	grep -qE "$1" said
}

mount_weavers
mkdir "$MNT/a"
umount_weavers
export NOTIFY_SOCKET=$W/notify.sock WATCHDOG_USEC=400000
"$WEAVERFS" -f -o "namespace=$NS,state_dir=$W/state" "$MNT" >>"$W/weaverfs.log" 2>&1 &
weaverfs_pids[$MNT]=$!
wait_for 30 says '^READY=1 '
assert_eq a "$(ls "$MNT")" "the tree at READY=1"
wait_for 10 says '^WATCHDOG=1'
assert_match "^READY=1 STATUS=$MNT: namespace $NS of https://" "$(grep READY said)"
umount_weavers
wait "$listener"
assert_match '^STOPPING=1 ' "$(tail -n 1 said)"
assert_eq 1 "$(grep -c READY said)"
