#!/bin/bash
# Who is refused learns which credential it was, from which file, and when it expired.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"
. "$LIB/credentials.sh"

base64url()
{
	base64 -w 0 | tr '+/' '-_' | tr -d =
}

# A token as the cluster makes them, signed with its key, that expired an hour ago.
expired_token()
{
	local then head body
	then=$(($(date +%s) - 3600))
	head=$(printf '{"alg":"RS256"}' | base64url)
	body=$(printf '{"aud":["https://kubernetes.default.svc"],"exp":%d,"iat":%d,"iss":"https://kubernetes.default.svc","kubernetes.io":{"namespace":"%s","serviceaccount":{"name":"weaverfs","uid":"%s"}},"nbf":%d,"sub":"system:serviceaccount:%s:weaverfs"}' \
		"$then" $((then - 3600)) "$NS" "$(k get serviceaccount weaverfs -o 'jsonpath={.metadata.uid}')" \
		$((then - 3600)) "$NS" | base64url)
	printf '%s.%s.%s' "$head" "$body" "$(printf '%s.%s' "$head" "$body" |
		openssl dgst -sha256 -sign "$CLUSTER_STATE/pki/service-account.key" | base64url)"
}

expired_token >"$W/token"
cp "$KUBECONFIG" "$W/good"
kubeconfig_change ".users[].user = {tokenFile: \"$W/token\"}"
start_says "the token of user \"weaverfs\" from $W/token expired at $(date -u -d '-1 hour' +%Y-%m-%dT)"

kubeconfig_change '.users[].user = {token: "garbage"}'
start_says "the token of user \"weaverfs\" from $KUBECONFIG.* is not accepted by the server"

# A certificate of an authority that the server does not know: TLS is content with it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
	-subj /O=system:masters/CN=stranger -keyout "$W/stranger.key" -out "$W/stranger.crt" 2>/dev/null
kubeconfig_change ".users[].user = {\"client-certificate\": \"$W/stranger.crt\", \"client-key\": \"$W/stranger.key\"}"
start_says "the client certificate of user \"weaverfs\" from $W/stranger.crt, valid until .*issued by another CA"

kubeconfig_change '.users[].user = {}'
start_says "$KUBECONFIG gives no credentials for user \"weaverfs\""
