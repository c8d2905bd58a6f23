#!/bin/bash
# A tokenFile is read again when it is replaced; a token that is revoked is named, with its file and expiry.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# tier: all
. "$LIB/case.sh"
. "$LIB/credentials.sh"

first=$(token_make first)
second=$(token_make second)
echo "$first" >"$W/token"
kubeconfig_change ".users[].user = {tokenFile: \"$W/token\"}"
mount_weavers
mkdir "$MNT/a"

echo "$second" >"$W/token.new"
mv "$W/token.new" "$W/token"
token_revoke first "$first"
mkdir "$MNT/b"

token_revoke second "$second"
assert_errno 'Permission denied' mkdir "$MNT/c"
assert_match "the token of user \"weaverfs\" from $W/token, valid until [-0-9T:]+Z, is not accepted by the server: revoked" \
	"$(last_error)"
assert_eq $'a\nb' "$(ls "$MNT")"

token_make third >"$W/token"
mkdir "$MNT/c"
