#!/bin/bash
# Every block of commands in README.md and docs/ does what the page says; those that need another machine at least parse.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
. "$LIB/case.sh"

top=$(realpath "$LIB/../..")

# blocks FILE INFO...: the commands of its fenced blocks that are marked so, as one script.
blocks()
{
	awk -v marks="$(printf '%s\n' "${@:2}")" '
		BEGIN { n = split(marks, list, "\n"); wanted["```" marks]; for (i = 1; i <= n; i++) wanted["```" list[i]] }
		/^```/ && !inside { inside = 1; on = $0 in wanted; next }
		/^```$/ { inside = on = 0; next }
		on' "$1"
}

# The pages are written for one namespace and one mount point; here they are others.
adapt()
{
	sed -e "s,/mnt/weavers,$MNT,g" -e "s/\bloom-weavers\b/$NS/g"
}

mkdir bin page
printf '#!/bin/sh\nexec "%s" "$@"\n' "$KUBECTL" >bin/kubectl
printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
chmod +x bin/*
echo token >page/github-token
mkdir -p page/k8s/manifests
for file in "$top"/k8s/manifests/*.yaml; do
	adapt <"$file" >"page/k8s/manifests/${file##*/}"
done
marks=(sh)
[ "$TEST_CLUSTER" = sim ] || marks+=('sh real')

mount_weavers
ran=0
for page in "$top"/README.md "$top"/docs/*.md; do
	blocks "$page" 'sh elsewhere' 'sh real' >elsewhere
	bash -n elsewhere || fail "${page##*/}: does not parse"
	# A block without a mark is no command: a picture, a table, a line of fstab.
	! blocks "$page" '' | grep -nE '^(sudo|kubectl|mkdir|cat|make|weaverfs|systemctl) ' ||
		fail "${page##*/}: commands in a block that is not marked sh, sh real or sh elsewhere"
	blocks "$page" "${marks[@]}" | adapt >script
	[ -s script ] || continue
	# more weavers at a time than the real cluster's node has room for
	[[ $page != */recipes.md || $TEST_CLUSTER = sim ]] || continue
	ran=$((ran + 1))
	mkdir "$MNT/fix-42"
	wait_for 60 status_is fix-42 running
	[[ $page != */nixos.md ]] || rmdir "$MNT/fix-42"
	(cd page && PATH=$W/bin:$O:$PATH WEAVER_MOUNT=$MNT KUBECONFIG=$ADMIN_KUBECONFIG timeout 120 bash -euxo pipefail ../script) \
		>said 2>&1 </dev/null || fail "${page##*/}: $(tail -n 20 said)"
	[ ! -e page/weaverfs.kubeconfig ] || assert_eq $'NAME\nweaverfs' \
		"$("$KUBECTL" --kubeconfig page/weaverfs.kubeconfig config get-users)" "whose credentials it holds"
	for weaver in "$MNT"/*/; do
		[ ! -d "$weaver" ] || rmdir "$weaver"
	done
	[ "$TEST_CLUSTER" = sim ] || k delete secret ghcr-secret --ignore-not-found >/dev/null
done
[ "$ran" -ge 4 ] || fail "only $ran pages with commands"
