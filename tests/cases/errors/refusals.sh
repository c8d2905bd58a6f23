#!/bin/bash
# Every way to be refused has its errno for mkdir, rmdir and a write, the server's words, and leaves nothing.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

# refuse CODE REASON MESSAGE [MORE]: what every write gets from now on.
refuse()
{
	kubesim_faults "$(jq -n --argjson code "$1" --arg reason "$2" --arg message "$3" \
		--argjson more "${4:-{\}}" '{rules: [("create", "delete", "patch")
			| {verb: ., path: "*/pods*", status: $code, reason: $reason, message: $message} + $more]}')"
}

# said OPERATION PATH ERRNO WORDS: the last line of errors.
said()
{
	assert_match "^[0-9TZ:-]+"$'\t0\t'"$1"$'\t'"$2"$'\t'"$3"$'\t.*'"$4" \
		"$(tail -n 1 "$MNT/.weaverfs/errors")"
}

# gives MESSAGE ERRNO WORDS
gives()
{
	assert_errno "$1" mkdir "$MNT/new"
	said mkdir new "$2" "$3"
	assert_errno "$1" rmdir "$MNT/a"
	said rmdir a "$2" "$3"
	assert_errno "$1" bash -c "echo 1h >'$MNT/a/ttl'"
	said write a/ttl "$2" "$3"
	assert_errno "$1" chmod 700 "$MNT/a"
	said setattr a/ "$2" "$3"
	assert_eq a "$(ls "$MNT")"
}

mount_weavers create_timeout_ms=700
mkdir "$MNT/a"
before=$(cat "$MNT/a/expires")

refuse 403 Forbidden 'pods "x" is forbidden: exceeded quota: weaver-quota, requested: pods=1'
gives 'Disk quota exceeded' EDQUOT 'exceeded quota: weaver-quota'
refuse 403 Forbidden 'pods "x" is forbidden: failed quota: weaver-quota: must specify limits.cpu'
gives 'Disk quota exceeded' EDQUOT 'failed quota: weaver-quota'
refuse 403 Forbidden 'pods "x" is forbidden: User "u" cannot create resource "pods"'
gives 'Permission denied' EACCES 'User "u" cannot'
refuse 403 Forbidden 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'
gives 'Operation not permitted' EPERM 'violates PodSecurity'
refuse 422 Invalid "Pod \"x\" is invalid: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"
gives 'Operation not permitted' EPERM 'ValidatingAdmissionPolicy'
refuse 400 '' 'admission webhook "w.example" denied the request: not on Fridays'
gives 'Operation not permitted' EPERM 'not on Fridays'
refuse 403 Forbidden 'unable to create new content in namespace x because it is being terminated'
gives 'Read-only file system' EROFS 'being terminated'
refuse 400 BadRequest 'a field is wrong'
gives 'Invalid argument' EINVAL 'a field is wrong'
refuse 422 Invalid 'a value is wrong'
gives 'Invalid argument' EINVAL 'a value is wrong'
refuse 409 Conflict 'the object has been modified'
gives 'Device or resource busy' EBUSY 'has been modified'
refuse 429 TooManyRequests 'slow down' '{"retry_after": 1}'
gives 'Device or resource busy' EBUSY 'slow down'
refuse 429 '' 'too many requests' '{"retry_after": 1, "text": true}'
gives 'Device or resource busy' EBUSY 'too many requests'
refuse 500 InternalError 'etcdserver: leader changed'
gives 'Input/output error' EIO 'leader changed'
refuse 503 '' 'a proxy without a backend' '{"text": true}'
gives 'Input/output error' EIO 'without a backend'

# Not there: for mkdir it is the namespace; what is gone already is what rmdir wants.
refuse 404 NotFound 'namespaces "x" not found'
assert_errno 'No such file or directory' mkdir "$MNT/new"
said mkdir new ENOENT 'namespaces "x" not found'

# Refused, and a moment later not any more: nobody is told.
moment()
{
	kubesim_faults "$(jq -n --argjson rule "$1" '{rules: [{verb: "create", count: 1} + $rule]}')"
	mkdir "$MNT/new"
	assert_eq "a new" "$(pods | xargs)"
	kubesim_faults '{"rules":[]}'
	rmdir "$MNT/new"
}
umount_weavers
mount_weavers
errors=$(wc -l <"$MNT/.weaverfs/errors")
moment '{"status": 403, "reason": "Forbidden",
	"message": "error looking up service account x/default: serviceaccount \"default\" not found"}'
moment '{"status": 429, "retry_after": 1, "message": "slow down"}'
moment '{"status": 503, "retry_after": 1, "message": "starting"}'
kubesim_faults '{"rules":[{"verb": "patch", "count": 1, "status": 409, "reason": "Conflict"}]}'
echo 2h >"$MNT/a/ttl"
assert_eq "$errors" "$(wc -l <"$MNT/.weaverfs/errors")"
[ "$before" != "$(cat "$MNT/a/expires")" ]
