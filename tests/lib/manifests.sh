# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The shipped manifests, for another namespace than the one they are written for.

# manifests NAMESPACE [FILE...]: prints them, or the named ones, as one YAML stream.
manifests()
{
	local namespace=$1 directory file
	directory=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../k8s/manifests" && pwd)
	shift
	[ $# -gt 0 ] || set -- namespace policy rbac quota
	for file; do
		echo ---
		sed "s/\bloom-weavers\b/$namespace/" "$directory/$file.yaml"
	done
}
