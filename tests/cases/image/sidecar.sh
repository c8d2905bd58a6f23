#!/bin/bash
# docker/Dockerfile.audit-sidecar builds from this tree: one static program and nothing else.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
# tier: all
# timeout: 900
. "$LIB/case.sh"
. "$LIB/image.sh"

image_needs
image_build Dockerfile.audit-sidecar localhost/audit-sidecar:test
container=$(image_buildah from localhost/audit-sidecar:test)
root=$(image_buildah mount "$container")
assert_eq audit-sidecar "$(cd "$root" && find . -type f -printf '%P\n')"
! readelf -l "$root/audit-sidecar" | grep -q INTERP || fail "it wants a dynamic linker"
image_buildah rm "$container" >/dev/null
image_buildah rmi localhost/audit-sidecar:test >/dev/null
