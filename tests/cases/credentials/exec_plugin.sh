#!/bin/bash
# A credential plugin is run at the start, before its token expires, and when the server refuses it.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# tier: all
. "$LIB/case.sh"
. "$LIB/credentials.sh"

cat >"$W/plugin" <<PLUGIN
#!/bin/sh
echo run >>"$W/runs"
if ! [ -e "$W/token" ]; then
	echo "no login: run 'login' first" >&2
	exit 3
fi
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
	"status":{"token":"'\$(cat "$W/token")'"'\$(cat "$W/expires" 2>/dev/null)'}}'
PLUGIN
chmod +x "$W/plugin"
kubeconfig_change ".users[].user = {exec: {apiVersion: \"client.authentication.k8s.io/v1\",
	command: \"$W/plugin\", interactiveMode: \"Never\"}}"
runs()
{
	wc -l <"$W/runs"
}

first=$(token_make first)
second=$(token_make second)
echo "$first" >"$W/token"
mount_weavers
mkdir "$MNT/a"
assert_eq 1 "$(runs)" "runs"

# The server refuses the token: the plugin gives another, and nobody notices.
echo "$second" >"$W/token"
token_revoke first "$first"
mkdir "$MNT/b"
assert_eq 2 "$(runs)" "runs"

# Nor is an expiry waited for.
expires=$(date -u -d '10 seconds' +%Y-%m-%dT%H:%M:%SZ)
third=$(token_make third)
echo ",\"expirationTimestamp\":\"$expires\"" >"$W/expires"
echo "$third" >"$W/token"
token_revoke second "$second"
mkdir "$MNT/c"
ran=$(runs)
rm "$W/expires"
is_past()
{
	[ "$(date +%s)" -gt "$(date -d "$expires" +%s)" ]
}
wait_for 15 is_past
mkdir "$MNT/d"
assert_eq $((ran + 1)) "$(runs)" "runs"

# Its own words reach who is refused.
rm "$W/token"
token_revoke third "$third"
assert_errno 'Permission denied' mkdir "$MNT/e"
assert_match "credential plugin $W/plugin ended with code 3: no login: run 'login' first" "$(last_error)"
assert_eq $'a\nb\nc\nd' "$(ls "$MNT" | sort)"
