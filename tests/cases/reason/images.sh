#!/bin/bash
# An image that cannot be pulled, or named, is in `reason` by kubectl's word, with what to do.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers
pod_of missing true '.spec.containers[0].image = "missing.invalid/missing/none:1"'
pod_of named true '.spec.containers[0].image = "localhost/BAD:1"'
told named InvalidImageName pending '' '^InvalidImageName: ' \
	'localhost/BAD:1 is no image reference: the repository must be lower case'
told missing 'ErrImagePull' pending '' '^ErrImagePull: ' \
	'check that the image exists and its reference is right: missing.invalid/missing/none:1' \
	'image_pull_secrets is not set' \
	"kubectl create secret docker-registry ghcr-secret --namespace=$NS --docker-server=missing.invalid "
told missing 'ImagePullBackOff' pending '' '^ImagePullBackOff: Back-off pulling image' \
	'check that the image exists'
