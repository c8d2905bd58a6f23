#!/bin/bash
# Path units of systemd start what is wanted when a weaver comes, changes, is written to, and is archived.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/watch.sh"

systemd=$(ls /usr/lib/systemd/systemd /lib/systemd/systemd 2>/dev/null | head -n 1)
[ -n "$systemd" ] || skip "needs systemd"

# unit NAME CONDITION COMMAND: a path unit, and the service that it starts.
unit()
{
	printf '[Unit]\nDefaultDependencies=no\n[Path]\n%s\n' "$2" >"$W/units/$1.path"
	printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nRemainAfterExit=%s\nExecStart=/bin/sh -c "%s"\n' \
		"${4-no}" "$3" >"$W/units/$1.service"
	wants+=("$1.path")
}

# A manager of a user's units: it asks whether the system was booted with it, and is not to be pid 1.
manage()
{
	mount -t tmpfs none /run && mkdir -p /run/systemd/system
	SYSTEMD_UNIT_PATH=$W/units "$systemd" --user --unit=default.target --log-target=console || true
}

has()
{
	grep -qx "$1" "$W/done" 2>/dev/null
}

mount_weavers
make_pod a 'sleep 4; exit 3'
mkdir "$W/units" "$W/run" "$MNT/written"
export XDG_RUNTIME_DIR=$W/run
unit comes "PathExists=$MNT/new-one" "echo comes $MNT/new-one >>$W/done" yes
unit changes "PathModified=$MNT/a/status" "echo changes \$(cat $MNT/a/status) >>$W/done"
unit written "PathChanged=$MNT/written/ttl" "echo written >>$W/done"
unit archived "DirectoryNotEmpty=$MNT/.archive" "echo archived >>$W/done" yes
printf '[Unit]\nDefaultDependencies=no\nAfter=%s\n[Service]\nType=oneshot\nExecStart=/bin/touch %s\n' \
	"${wants[*]}" "$W/ready" >"$W/units/ready.service"
printf '[Unit]\nDefaultDependencies=no\nWants=%s ready.service\n' "${wants[*]}" >"$W/units/default.target"
export W systemd
unshare --mount --pid --fork --kill-child --mount-proc bash -c "$(declare -f manage); manage" \
	>"$W/systemd" 2>&1 </dev/null &
manager=$!
wait_for 30 test -e "$W/ready"
[ ! -e "$W/done" ] || fail "started without a reason: $(cat "$W/done")"

# By others, and as its own change: a pod that kubectl makes, a container that ends.
pending_pod new-one | k create -f - >/dev/null
wait_for 15 has "comes $MNT/new-one"
wait_for 30 status_is a failed
wait_for 15 has "changes failed"
echo 2h >"$MNT/written/ttl"
wait_for 15 has written
k delete pod --wait=false "$(pod_of new-one)" >/dev/null
wait_for 15 has archived
end_by_force "$manager" # its children with it
# It has made groups of its own where there is a hierarchy of systemd's, too, which tests/run does not know.
own=/sys/fs/cgroup/systemd$(sed -n 's/^0:://p' /proc/self/cgroup)
own_is_gone() # its children take a moment to die
{
	find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || true
	[ ! -d "$own" ]
}
wait_for 10 own_is_gone
rmdir "${own%/*}" 2>/dev/null || true
