#!/bin/bash
# A bad value of every setting, from the option, the environment and the YAML file, is named at the start.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# The file of settings has a fixed place, so that the case has an /etc of its own.
cp -a /etc "$W/etc"
mkdir -p "$W/etc/loom" "$MNT"
mount --bind "$W/etc" /etc
yaml=/etc/loom/weaverfs.yaml

# refused REGEX OPTIONS [REGEX]: one line that says it, exit status 1, and nothing mounted.
refused()
{
	local said status=0
	said=$(timeout 30 "$WEAVERFS" -f ${2:+-o "$2"} "$MNT" 2>&1) || status=$?
	assert_eq 1 "$status" "exit status, '$1'"
	assert_match "$1" "$said"
	[ -z "${3-}" ] || assert_match "$3" "$said"
	assert_eq 1 "$(wc -l <<<"$said")" "lines of '$said'"
	expect_fail mountpoint -q "$MNT"
}

# A value that is bad for each setting; "-": every text will do, another case has it.
declare -A bad=(
	[enabled]=maybe [k8s_namespace]=Upper_Case [kubeconfig]=- [image]='a b'
	[cleanup_interval_secs]=0 [default_ttl_hours]=0 [max_ttl_hours]=8761 [max_concurrent]=-1
	[ready_timeout_secs]=1.5 [image_pull_secrets]='good,Bad' [webhooks]='{"url":1}'
	[audit_enabled]=2 [audit_image]='a b' [audit_batch_interval_ms]=9 [audit_buffer_max_bytes]=1Qi
	[audit_metrics_port]=65536 [audit_health_port]=http [secrets_server_url]=ftp://x
	[secrets_allow_insecure]=perhaps [server_url]=localhost:1 [audit_probes]=none
	[audit_follow]=never [audit_required]=x [audit_token_secret]=A_b [audit_ca_secret]=-x
	[audit_allow_insecure_http]=2 [audit_filter_paths_ignore]=- [audit_filter_paths_always]=-
	[audit_filter_read_sample_rate]=0 [audit_filter_rate_limit]=-1 [audit_stdout_bytes]=2Gi
	[org_id]='a b' [users_file]=relative [create_mode]=1999 [create_gid]=no-such-group
	[max_per_user]=many [archive_hours]=-1 [archive_max_bytes]=x [state_dir]=here
	[start_timeout]=soon [create_timeout_ms]=99 [pod_patch]=relative
	[image_pull_policy]=Sometimes [threads]=0 [log_level]=loud [log_json]=json)

# The table of settings as --help has it: each must be here.
settings=$("$WEAVERFS" --help | sed -n 's/^  \([a-z0-9_]*\)\(, [a-z]*\)\{0,1\}\(  \$\([A-Z0-9_]*\)\)\{0,1\}$/\1 \4/p')
assert_eq "${#bad[@]}" "$(wc -l <<<"$settings")" "settings in --help"
while read -r name variable <&3; do
	value=${bad[$name]-}
	[ -n "$value" ] || fail "this case has no bad value for the setting $name"
	[ "$value" != - ] || continue
	shown=$(sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$value")
	[ "$name" != webhooks ] || shown= # it may hold a secret
	refused "^weaverfs: $name.*\\(mount option\\)" "$name=${value//,/\\,}" "$shown"
	if [ -n "$variable" ]; then
		export "$variable=$value"
		refused "^weaverfs: $name.*\\(\\\$?$variable\\)" "" "$shown"
		unset "$variable"
	fi
	jq -nc --arg name "$name" --arg value "$value" '{($name): $value}' >"$yaml"
	refused "^weaverfs: $name.*\\((settings file|$yaml:1.*)\\)" "" "$shown"
	rm "$yaml"
done 3<<<"$settings"

# What is bad though each value is good, and what is no setting at all.
refused 'default_ttl_hours: 9 is more than max_ttl_hours, which is 8' default_ttl_hours=9,max_ttl_hours=8
refused 'audit_metrics_port and audit_health_port: both are 9091' audit_metrics_port=9091
refused "no_such_option" no_such_option=1
refused 'max_concurrent \(mount option\): a value is wanted' max_concurrent
echo 'max_concurent: 3' >"$yaml"
refused "$yaml:1.*unknown setting \"max_concurent\"" ""
echo 'max_concurrent: [1, 2]' >"$yaml"
refused "$yaml:1.*max_concurrent: one value is wanted" ""
printf 'image: x\nmax_concurrent: {\n' >"$yaml"
refused "$yaml:[0-9]" ""
rm "$yaml"
refused "users_file \\(mount option\\).*$W/none" "users_file=$W/none"
echo 'x: y' >"$W/file"
refused "users_file \\(mount option\\).*$W/file:1.*\"x\" is no uid" "users_file=$W/file"
refused "pod_patch \\(mount option\\).*$W/file:1.*\"x\" is no part of a pod" "pod_patch=$W/file"

# A bad value is an error also where a better one would have hidden it.
LOOM_SERVER_WEAVER_MAX_CONCURRENT=x refused 'LOOM_SERVER_WEAVER_MAX_CONCURRENT' max_concurrent=3
