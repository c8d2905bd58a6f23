#!/bin/bash
# secrets reach the container's environment through a Secret that goes with its pod; only keys read.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

says()
{
	[ "$(head -n 1 "$MNT/a/logs")" = "s3cret/=+ two" ]
}
no_secrets()
{
	[ -z "$(k get secrets -l loom.dev/managed=true -o name)" ]
}

mount_weavers
mkdir "$MNT/.drafts/a"
printf 'TOKEN=s3cret/=+ two\nEMPTY=\n' >"$MNT/.drafts/a/secrets"
assert_eq "TOKEN EMPTY" "$(xargs <"$MNT/.drafts/a/secrets")"
printf '%s\n' sh -c 'echo "$TOKEN"; exec sleep 1000' >"$MNT/.drafts/a/args"
mv "$MNT/.drafts/a" "$MNT/a"
id=$(cat "$MNT/a/id")
assert_eq "s3cret/=+ two" "$(k get secret "weaver-$id-secrets" -o json | jq -r '.data.TOKEN | @base64d')"
assert_eq "weaver-$id" "$(k get secret "weaver-$id-secrets" -o json | jq -r '.metadata.ownerReferences[0].name')"
assert_eq "" "$(cat "$MNT/a/env")"
expect_fail test -e "$MNT/a/secrets"
wait_for 60 says
expect_fail grep -q s3cret "$MNT/a/pod.json"
rmdir "$MNT/a"
wait_for 30 no_secrets

# Defaults may have some too: then a bare mkdir is two POSTs.
echo G=1 >"$MNT/.weaverfs/defaults/secrets"
mkdir "$MNT/b"
assert_eq 1 "$(k get secrets -l loom.dev/managed=true -o name | wc -l)"
