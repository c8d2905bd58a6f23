#!/bin/bash
# What runc does to set a container up, or to execute in it, gives no record; each deed in its overlayfs gives one.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
command -v runc >/dev/null || skip "no runc"
audit_pod

# runc makes the directory in each hierarchy there is, and of those above it takes none away again
runc_exit()
{
	local hierarchy cgroup=${CONTAINER%/*}
	runc --root "$W/runc" delete --force "$ID" >/dev/null 2>&1
	! mountpoint -q "$W/rootfs" || umount "$W/rootfs"
	for hierarchy in /sys/fs/cgroup/*; do
		[ "$hierarchy$cgroup" = "$POD" ] ||
			(cd "$hierarchy" 2>/dev/null && rmdir -p ".$CONTAINER" || rmdir -p ".$cgroup") 2>/dev/null
	done
}

ID=weaver-$$
CONTAINER=/$(sed -n 's,^0::/,,p' /proc/self/cgroup)/pod2/$ID
at_end runc_exit
mkdir -p "$W"/{lower/bin,lower/proc,lower/dev,lower/sys,lower/data,upper,inner,rootfs}
cp /bin/busybox "$W/lower/bin/"
for applet in sh cat ln mv rm mkdir sleep; do
	ln -s busybox "$W/lower/bin/$applet"
done
echo lower >"$W/lower/data/from-below"
mount -t overlay overlay -o "lowerdir=$W/lower,upperdir=$W/upper,workdir=$W/inner" "$W/rootfs"
(cd "$W" && runc spec)
jq --arg cgroup "$CONTAINER" '.linux.cgroupsPath = $cgroup | .process.terminal = false | .root.readonly = false
	| .process.user = {uid: 1000, gid: 1000} | .process.args = ["/bin/sh", "-c",
		"cd /data; cat from-below; echo made >made; mv made moved; mkdir d; echo more >>from-below; while :; do sleep 1; done"]
	| .process.capabilities = {} | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}
	| del(.linux.resources)' "$W/config.json" >"$W/new.json"
mv "$W/new.json" "$W/config.json"
chown -R 1000 "$W/upper" "$W/lower/data"

# its own disk is not to be sampled or left out
audit_ready LOOM_AUDIT_FILTER_READ_SAMPLE_RATE=1
runc --root "$W/runc" run --detach --bundle "$W" "$ID" </dev/null >"$W/container.log" 2>&1 ||
	fail "$(cat "$W/container.log")"
wait_for 10 grep -qx more "$W/rootfs/data/from-below"
runc --root "$W/runc" exec "$ID" /bin/mkdir /data/by-exec
audit_stop
audit_whole


jq -c 'select(.event_type == "sandbox_escape" or .event_type == "privilege_change")' "$W/trail" >"$W/wrong"
[ ! -s "$W/wrong" ] || fail "$(head -n 3 "$W/wrong")"
setup=$(jq -s 'map(select(.event_type == "audit_heartbeat"))[-1].details.dropped["filter/runtime_setup"]' "$W/trail")
[ "${setup:-0}" -gt 40 ] || fail "only $setup records of runc's: this proved nothing"
# busybox' shell forks for mv and mkdir, and executes nothing
assert_eq "/bin/busybox sh
/bin/busybox cat
/bin/busybox mkdir" "$(jq -r 'select(.event_type == "process_exec" and .details.argv[0] != "sleep") |
	"\(.details.path) \(.details.argv[0] | sub("/bin/"; ""))"' "$W/trail")" "executions"
# PATH TYPE: how often
times()
{
	jq -r --arg path "$1" --arg type "$2" 'select(.event_type == $type and .details.path == $path)
		| .details.op // "open"' "$W/trail" | grep -vxc close || true
}
assert_eq "2 1 1" "$(times /data/from-below file_open) $(times /data/from-below file_read) $(times /data/from-below file_write)" from-below
assert_eq "1 0 1" "$(times /data/made file_open) $(times /data/made file_read) $(times /data/made file_write)" made
assert_eq "1 1 1" "$(times /data/made file_metadata) $(times /data/d file_metadata) $(times /data/by-exec file_metadata)" \
	"mv, mkdir"
