#!/bin/bash
# mount -t fuse.weaverfs, as fstab and systemd do it: in the background, its errors the caller's, x- options ignored.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

pid_of_mount()
{
	pgrep -o -f "weaverfs .*$MNT" || true # the oldest: its helpers are younger
}

# unmounted: and the daemon, which is nobody's child here, has ended.
unmounted()
{
	! mountpoint -q "$MNT" && [ -z "$(pid_of_mount)" ]
}

# What mount(8) runs, but for its PATH, in which this weaverfs is not.
mount_fuse()
{
	PATH=$O:$PATH mount.fuse3 "$KUBECONFIG" "$MNT" -t fuse.weaverfs -o "$1"
}

options=namespace=$NS,state_dir=$W/state,image=$TEST_IMAGE
mkdir "$MNT"
assert_match "max_concurrent: bad value 'x'" \
	"$(mount_fuse "rw,$options,max_concurrent=x" 2>&1 || true)"
expect_fail mountpoint -q "$MNT"
mount_fuse "rw,$options,x-systemd.automount,x-systemd.requires=k3s.service,_netdev,noauto,nofail,max_concurrent=7" 2>>"$W/weaverfs.log"
assert_eq ok "$(head -n 1 "$MNT/.weaverfs/health")"
grep -q '^max_concurrent=7  # option$' "$MNT/.weaverfs/config"
assert_match '^fuse.weaverfs' "$(findmnt -n -o FSTYPE "$MNT")"
mkdir "$MNT/a"
wait_for 10 umount "$MNT"
wait_for 20 unmounted

# Without -f: the shell has its prompt back when the mount answers, or has read why it does not.
assert_match 'unknown option.*nonsense|nonsense' "$("$WEAVERFS" -o "$options,nonsense=1" "$MNT" 2>&1 || true)"
expect_fail "$WEAVERFS" -o "$options,start_timeout=1" "$W/none" "$MNT"
"$WEAVERFS" -o "$options" "$MNT" 2>>"$W/weaverfs.log"
assert_eq a "$(ls "$MNT")"
assert_eq / "$(readlink "/proc/$(pid_of_mount)/cwd")" "the directory it pins"
wait_for 10 umount "$MNT"
wait_for 20 unmounted
