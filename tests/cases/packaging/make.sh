#!/bin/bash
# make builds below the tree also where O is given and empty, and gives a compiler only what it takes.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

top=$(realpath "$LIB/../..")
# commands ARGUMENT...: what a build of everything would run.
commands()
{
	make -n -B -C "$top" "$@" all 2>/dev/null
}
for empty in O= 'O= '; do
	for build in release asan; do
		commands "BUILD=$build" "$empty" >said
		grep -q -- "-o build/$build/weaverfs " said || fail "make '$empty' BUILD=$build: not in build/$build"
		! grep -E -- '-o /|mkdir -p /' said || fail "make '$empty' builds outside of the tree"
	done
done
O='' commands >said
grep -q -- '-o build/release/weaverfs ' said || fail "an empty O of the environment is not build/release"

# By its full name it is the same directory: a header that has changed is seen there, too.
for O_given in "$top/build/release" build/release; do
	commands "O=$O_given" >said
	grep -q -- '-o build/release/weaverfs ' said || fail "O=$O_given is another build than build/release"
done

# -fcf-protection is of x86
commands CC='clang --target=x86_64-linux-gnu' O="$W/o" >said
grep -q -- -fcf-protection said || fail "clang for x86_64 is given no -fcf-protection"
commands CC='clang --target=aarch64-linux-gnu' O="$W/o" >said
grep -q -- -fstack-protector-strong said
! grep -q -- -fcf-protection said || fail "clang for aarch64 is given -fcf-protection, which it refuses"
