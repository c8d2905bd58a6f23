#!/bin/bash
# docker/Dockerfile.weaverfs builds from this tree, and what it makes is this version.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
# tier: all
# timeout: 900
. "$LIB/case.sh"
. "$LIB/image.sh"

image_needs
image_build Dockerfile.weaverfs localhost/weaverfs:test
container=$(image_buildah from localhost/weaverfs:test)
assert_eq "$("$WEAVERFS" --version)" "$(image_buildah run --isolation chroot "$container" -- weaverfs --version)"
# doctor and setup are in a program of their own
assert_eq "$("$O/weaver" doctor --list)" "$(image_buildah run --isolation chroot "$container" -- weaver doctor --list)"
assert_eq '["weaverfs","-f"]' "$(image_buildah inspect --type image localhost/weaverfs:test | jq -c .OCIv1.config.Entrypoint)"
image_buildah rm "$container" >/dev/null
image_buildah rmi localhost/weaverfs:test >/dev/null
