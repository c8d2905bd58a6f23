#!/bin/bash
# The Debian package holds every program, its units and pages, depends on what they load, and is this version.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

[ "${O##*/}" = release ] || skip "the package is made of the release build"
make -s -C "$LIB/../.." O="$O" DEB="$W" deb >made 2>&1 || fail "$(cat made)"
deb=$(echo weaverfs_*.deb)
assert_eq "weaverfs_$("$WEAVERFS" --version | cut -d ' ' -f 2)_$(dpkg --print-architecture).deb" "$deb"
dpkg-deb -x "$deb" root
assert_eq 'kubesim weaver weaver-cluster weaverfs' "$(cd root/usr/bin && echo *)"
for file in sbin/mount.weaverfs sbin/mount.fuse.weaverfs lib/systemd/system/weaverfs.service \
	lib/systemd/system/weaverfs@.service lib/sysusers.d/weaverfs.conf lib/tmpfiles.d/weaverfs.conf \
	share/weaverfs/manifests/policy.yaml share/man/man1/weaver.1.gz share/man/man8/weaverfs.8.gz \
	share/bash-completion/completions/weaver share/doc/weaverfs/copyright; do
	[ -e "root/usr/$file" ] || fail "$file: not in the package"
done
# what is installed finds its other half: these verbs are weaver-cluster's
assert_eq "$("$O/weaver" doctor --list)" "$(root/usr/bin/weaver doctor --list)"
assert_match 'setup' "$(root/usr/bin/weaver setup --help)"
depends=$(dpkg-deb -f "$deb" Depends)
for library in libc6 libfuse3 libcurl4 libcjson1 libyaml libwebsockets libssl3 zlib1g; do
	assert_match "(^|, )$library" "$depends"
done
