#!/bin/bash
# tls-server-name is the name that the server must have; an unknown CA and a wrong name are said in words.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"
. "$LIB/credentials.sh"

kubeconfig_change '.clusters[].cluster["tls-server-name"] = "kubernetes.default.svc"'
mount_weavers
mkdir "$MNT/a"
umount_weavers

kubeconfig_change '.clusters[].cluster["tls-server-name"] = "elsewhere.example"'
start_says "the server's certificate is for another name .*tls-server-name in $KUBECONFIG"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=other \
	-keyout "$W/other.key" -out "$W/other.crt" 2>/dev/null
kubeconfig_change "del(.clusters[].cluster[\"tls-server-name\", \"certificate-authority-data\"])
	| .clusters[].cluster[\"certificate-authority\"] = \"$W/other.crt\""
start_says "the server's certificate is not trusted by the CA of $W/other.crt"
