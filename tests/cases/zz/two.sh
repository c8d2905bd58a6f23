#!/bin/bash
# A dummy for the runner.
. "$LIB/case.sh"
mount_weavers; MNT=$W/two mount_weavers x=1; remount; kill_weavers; remount; MNT=$W/two umount_weavers; expect_fail mountpoint -q $W/two
