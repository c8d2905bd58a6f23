# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The images of docker/, built by buildah. There is no registry for the base image: it is made by
# mmdebstrap. What is built stays in the cache of the tests, for as long as docker/ is the same.

image_top=$(realpath "$LIB/../..")
image_cache=$WEAVERFS_TEST_CACHE/image

image_buildah()
{
	buildah --storage-driver vfs --root "$image_cache/storage" --runroot "$image_cache/run" "$@"
}

# image_needs: skips where images cannot be built.
image_needs()
{
	local program
	for program in buildah mmdebstrap; do
		command -v "$program" >/dev/null || skip "no $program: make check installs it"
	done
	mkdir -p "$image_cache"
	exec 8>"$image_cache/lock"
	flock 8
}

# image_base NAME: debian:bookworm-slim, more or less.
image_base()
{
	local container
	! image_buildah inspect "$1" >/dev/null 2>&1 || return 0
	mmdebstrap --quiet --variant=minbase bookworm "$W/base.tar" >"$W/mmdebstrap.log" 2>&1
	container=$(image_buildah from scratch)
	image_buildah add --quiet "$container" "$W/base.tar" / >/dev/null
	image_buildah commit --quiet --rm "$container" "$1" >/dev/null
	rm "$W/base.tar"
}

# image_build DOCKERFILE NAME [OPTION...]
image_build()
{
	local file=$1 name=$2
	shift 2
	image_base localhost/base
	image_buildah bud --isolation chroot --network host --build-arg BASE=localhost/base "$@" \
		-f "$image_top/docker/$file" -t "$name" "$image_top" >"$W/$file.log" 2>&1 ||
		fail "$file: $(tail -n 20 "$W/$file.log")"
}

# image_bytes NAME
image_bytes()
{
	image_buildah inspect --type image "$1" | jq -r '.Manifest | fromjson | [.layers[].size] | add'
}
