#!/bin/bash
# A kubeconfig, or a file it names, that may not be read: its mode and owner are told, and the group to join.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/credentials.sh"

# A plain user's start: refused REGEX, in one line.
refused()
{
	local said
	! said=$(as 1000 env "HOME=$W/plain" "XDG_STATE_HOME=$W/plain" "KUBECONFIG=$KUBECONFIG" \
		timeout 30 "$WEAVERFS" -f -o "namespace=$NS" "$W/plain/mnt" 2>&1) ||
		fail "started, and must not"
	assert_match "$1" "$said"
	assert_eq 1 "$(wc -l <<<"$said")" "lines of '$said'"
	expect_fail mountpoint -q "$W/plain/mnt"
}

mkdir -p "$W/plain/mnt" "$W/shut"
chown -R 1000:1000 "$W/plain"
chown root:adm "$KUBECONFIG"
chmod 0640 "$KUBECONFIG"
refused "$KUBECONFIG cannot be read: mode 0640, owner root:adm; join group adm \\(usermod -aG adm .*SupplementaryGroups=adm\\)"
chmod 0600 "$KUBECONFIG"
refused "$KUBECONFIG cannot be read: mode 0600, owner root:adm; only its owner may: give a group the right.*--write-kubeconfig-mode 0640"

# The file may be read, the directory it is in may not be searched.
cp "$KUBECONFIG" "$W/shut/kubeconfig"
chmod 0644 "$W/shut/kubeconfig"
chown root:adm "$W/shut"
chmod 0750 "$W/shut"
here=$KUBECONFIG
KUBECONFIG=$W/shut/kubeconfig
refused "$KUBECONFIG cannot be read: its directory $W/shut may not be searched: mode 0750, owner root:adm; join group adm"

# A first file that exists and may not be read is an error, not a reason to take the second.
chmod 0644 "$here"
KUBECONFIG=$W/shut/kubeconfig:$here
refused "$W/shut/kubeconfig cannot be read"
KUBECONFIG=$here

# So it is with the files that it names.
echo secret >"$W/shut/token"
kubeconfig_change ".users[].user = {tokenFile: \"$W/shut/token\"}"
refused "$W/shut/token cannot be read: its directory $W/shut may not be searched"
