# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For cases about credentials, sourced after case.sh: kubeconfigs made from the case's own, tokens
# that can be revoked, and what weaverfs says when it is refused.

# kubeconfig_change FILTER [FILE]: $KUBECONFIG (or FILE) through jq.
kubeconfig_change()
{
	local file=${2-$KUBECONFIG} json
	json=$("$KUBECTL" --kubeconfig "$file" config view --raw -o json | jq "$1")
	echo "$json" >"$file"
}

# token_make NAME: prints a token for the service account of weaverfs, good until token_revoke NAME.
token_make()
{
	k create secret generic "$1" >/dev/null
	k create token weaverfs --duration 600s --bound-object-kind Secret --bound-object-name "$1"
}

# token_revoke NAME TOKEN: the API server remembers for some seconds that it was good.
token_revoke()
{
	k delete secret "$1" >/dev/null
	wait_for 40 token_refused "$2"
}

token_refused()
{
	! "$KUBECTL" --kubeconfig /dev/null --server "$(server)" --insecure-skip-tls-verify \
		--token "$1" get --raw /version
}

server()
{
	"$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" config view -o 'jsonpath={.clusters[0].cluster.server}'
}

# last_error: the last line of .weaverfs/errors.
last_error()
{
	tail -n 1 "$MNT/.weaverfs/errors"
}

# start_says REGEX: weaverfs does not start, and says why.
start_says()
{
	local said status=0
	mkdir -p "$MNT"
	said=$(timeout 30 "$WEAVERFS" -f -o "namespace=$NS,state_dir=$W/state,start_timeout=2" "$MNT" 2>&1) ||
		status=$?
	assert_eq 1 "$status" "exit status"
	assert_match "$1" "$said"
}
