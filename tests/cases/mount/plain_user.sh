#!/bin/bash
# A plain user mounts, by the setuid helper or in a user namespace; health says what such a mount lacks.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# A /dev/fuse that all may open, as udev makes it, whatever this machine has.
mknod "$W/fuse" c 10 229
chmod 0666 "$W/fuse"
mount --bind "$W/fuse" /dev/fuse

home=$W/plain
mkdir -p "$home/mnt"
cp "$KUBECONFIG" "$home/kubeconfig"
chown -R 1000:1000 "$home"

# As that user, with a home; and where the mount is seen.
plain=(setpriv --reuid 1000 --regid 1000 --clear-groups -- env "HOME=$home" "XDG_STATE_HOME=$home/state"
	"KUBECONFIG=$home/kubeconfig")
inside=("${plain[@]}")

health()
{
	"${inside[@]}" sed -n "s/^$1=//p" "$home/mnt/.weaverfs/health"
}

answers()
{
	"${inside[@]}" head -n 1 "$home/mnt/.weaverfs/health" || process_ended "$pid"
}

# start [MORE-OPTIONS]
start()
{
	"${inside[@]}" "$WEAVERFS" -f -o "namespace=$NS,image=$TEST_IMAGE${1-}" "$home/mnt" >>"$W/weaverfs.log" 2>&1 &
	pid=$!
	wait_for 30 answers
	assert_eq ok "$("${inside[@]}" head -n 1 "$home/mnt/.weaverfs/health")"
	assert_eq "$home/state/weaverfs" "$(dirname "$(dirname "$(health state_dir)")")"
}

gone()
{
	[ -z "$("${inside[@]}" ls "$home/mnt")" ]
}

# works OWNER: the tree does; what others change is seen soon, though without an event.
works()
{
	"${inside[@]}" mkdir "$home/mnt/a"
	assert_eq "$1" "$("${inside[@]}" cat "$home/mnt/a/owner")"
	"${inside[@]}" sh -c "echo 2h >'$home/mnt/a/ttl'"
	assert_match '^7(199|200)$' "$("${inside[@]}" cat "$home/mnt/a/ttl")"
	k delete pod --wait=false "$("${inside[@]}" cat "$home/mnt/a/pod")" >/dev/null
	wait_for 10 gone
}

# The setuid helper of fuse3 mounts for him.
start
assert_match 'only a mount by root' "$(health inotify)"
assert_match '^only uid 1000: /etc/fuse.conf does not say user_allow_other$' "$(health visible_to)"
works 1000:1000
expect_fail ls "$home/mnt"
"${plain[@]}" fusermount3 -u "$home/mnt"
wait_for 20 process_ended "$pid"
wait "$pid"

# Without it, and without a device that he may open, it is said what is missing.
chmod 0600 "$W/fuse"
said=$("${plain[@]}" timeout 30 "$WEAVERFS" -f -o "namespace=$NS" "$home/mnt" 2>&1) && fail "mounted without /dev/fuse"
assert_match "cannot mount on $home/mnt: uid 1000 may not open /dev/fuse \\(Permission denied\\); .*chmod 0666" "$said"
chmod 0666 "$W/fuse"

# Root of a user namespace of his own, as in a rootless container: no helper is needed, and nothing lacks.
"${plain[@]}" unshare --user --map-root-user --mount --propagation private -- sleep infinity &
holder=$!
inside=("${plain[@]}" nsenter --user --mount --preserve-credentials --target "$holder" --)
in_namespace()
{
	[ "$("${inside[@]}" id -u)" = 0 ]
}
wait_for 10 in_namespace
start ",state_dir=$home/state/weaverfs"
assert_eq ok "$(health inotify)"
assert_eq everybody "$(health visible_to)"
works 0:0
expect_fail mountpoint -q "$home/mnt"
kill -TERM "$pid"
wait_for 20 process_ended "$pid"
wait "$pid"
kill "$holder"
wait "$holder" || true
