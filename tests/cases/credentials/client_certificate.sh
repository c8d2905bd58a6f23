#!/bin/bash
# A client certificate that expires is replaced by what is on disk; else it is named, with file and date.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"
. "$LIB/credentials.sh"

# certificate SECONDS: $W/client.crt and .key, of an administrator, for so long.
certificate()
{
	local new=$W/new
	rm -rf "$new"
	mkdir "$new"
	: >"$new/index"
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\nO=optional\nCN=supplied\n[x]\nextendedKeyUsage=clientAuth\n' \
		"$new" "$new" >"$new/config"
	{
		openssl ecparam -genkey -name prime256v1 -noout -out "$new/key"
		openssl req -new -key "$new/key" -subj /O=system:masters/CN=case -out "$new/request"
		openssl ca -batch -notext -config "$new/config" -cert "$CLUSTER_STATE/pki/ca.crt" \
			-keyfile "$CLUSTER_STATE/pki/ca.key" -in "$new/request" -out "$new/crt" \
			-startdate "$(date -u -d '-1 hour' +%y%m%d%H%M%SZ)" \
			-enddate "$(date -u -d "$1 seconds" +%y%m%d%H%M%SZ)"
	} >>"$W/openssl.log" 2>&1
	mv "$new/key" "$W/client.key"
	mv "$new/crt" "$W/client.crt"
}

refused()
{
	! "$KUBECTL" --kubeconfig "$W/old" get --raw /version
}

kubeconfig_change ".users[].user = {\"client-certificate\": \"$W/client.crt\", \"client-key\": \"$W/client.key\"}"
certificate 6
"$KUBECTL" config view --raw --flatten >"$W/old"
mount_weavers
mkdir "$MNT/a"

certificate 12
wait_for 15 refused
mkdir "$MNT/b"

"$KUBECTL" config view --raw --flatten >"$W/old"
wait_for 20 refused
assert_errno 'Permission denied' mkdir "$MNT/c"
assert_match "the client certificate of user \"weaverfs\" from $W/client.crt expired at [-0-9T:]+Z" "$(last_error)"
assert_eq $'a\nb' "$(ls "$MNT")"
certificate 600
mkdir "$MNT/c"
