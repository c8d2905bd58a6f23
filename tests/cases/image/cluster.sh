#!/bin/bash
# The weaver's image as docker/Dockerfile.weaver makes it, in pods: a clone, a branch that is not there, no repository.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# tier: all
# timeout: 900
. "$LIB/case.sh"
. "$LIB/image.sh"

image_needs
tag=$(cat "$image_top/docker/Dockerfile.weaver" "$image_top/docker/weaver-entrypoint.sh" | sha256sum | cut -c 1-12)
image_buildah inspect "localhost/loom-weaver:$tag" >/dev/null 2>&1 ||
	image_build Dockerfile.weaver "localhost/loom-weaver:$tag"
container=$(image_buildah from "localhost/loom-weaver:$tag")
"$LIB/../cluster/image" --state "$CLUSTER_STATE" localhost/loom-weaver:1 "$(image_buildah mount "$container")" \
	"$(image_buildah inspect --type image "localhost/loom-weaver:$tag" | jq -c '.OCIv1.config')"
image_buildah rm "$container" >/dev/null

# The pods reach the node's address, and git serves on it.
git init -q -b main work
git -C work -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m first
git clone -q --bare work repos/r.git
"$(git --exec-path)/git-daemon" --listen=192.0.2.10 --export-all --base-path="$W/repos" >git.log 2>&1 &
server=$!
at_end 'kill "$server"'

mount_weavers image=localhost/loom-weaver:1
# weaver NAME REPO BRANCH COMMAND
weaver()
{
	mkdir "$MNT/.drafts/$1"
	echo "$2" >"$MNT/.drafts/$1/repo"
	echo "$3" >"$MNT/.drafts/$1/branch"
	printf 'sh\n-c\n%s\n' "$4" >"$MNT/.drafts/$1/args"
	mv "$MNT/.drafts/$1" "$MNT/$1"
}
# shellcheck disable=SC2016 # for the shell in the pod
show='id -u; pwd; git --no-pager log -1 --format=%s; echo $HOME'
weaver clone git://192.0.2.10/r.git main "$show"
assert_eq 0 "$(timeout 120 cat "$MNT/clone/wait/done")" "$(cat "$MNT/clone/logs" "$MNT/clone/reason")"
assert_eq $'1000\n/workspace\nfirst\n/home/loom' "$(cat "$MNT/clone/logs")"
rmdir "$MNT/clone"
weaver branch git://192.0.2.10/r.git none "$show"
assert_eq 65 "$(timeout 120 cat "$MNT/branch/wait/done")"
assert_eq 'weaver: cannot clone git://192.0.2.10/r.git, branch none: fatal: Remote branch none not found in upstream origin' \
	"$(cat "$MNT/branch/logs")"
assert_match '^hint: .*git clone of git://192.0.2.10/r.git failed' "$(grep hint "$MNT/branch/reason")"
rmdir "$MNT/branch"
weaver missing git://192.0.2.10/no.git '' "$show"
assert_eq 65 "$(timeout 120 cat "$MNT/missing/wait/done")"
assert_match '^weaver: cannot clone git://192.0.2.10/no.git: fatal: ' "$(cat "$MNT/missing/logs")"
rmdir "$MNT/missing"
mkdir "$MNT/none"
wait_for 60 status_is none running
