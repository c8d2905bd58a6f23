#!/bin/bash
# A pull secret that does not exist is named, with the command that makes it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers image=missing.invalid/missing/none:1,image_pull_secrets=ghcr-secret
mkdir "$MNT/a"
told a 'ErrImagePull|ImagePullBackOff' pending '' '^(ErrImagePull|ImagePullBackOff): ' \
	"the pull secret ghcr-secret does not exist in namespace $NS; make it:" \
	"kubectl create secret docker-registry ghcr-secret --namespace=$NS --docker-server=missing.invalid "
k create secret docker-registry ghcr-secret --docker-server=missing.invalid --docker-username=u \
	--docker-password=p >/dev/null
mkdir "$MNT/b"
told b 'ErrImagePull|ImagePullBackOff' pending '' '^(ErrImagePull|ImagePullBackOff): ' \
	'its pull secret ghcr-secret .* must be for this registry'
