#!/bin/bash
# The completion of bash, zsh and fish knows every verb, every option, and the weavers that are there.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/cli.sh"

mount_weavers
mkdir "$MNT/fix-42" "$MNT/fix-43" "$MNT/other"
rmdir "$MNT/other"
ended() # until then it is one of those that ps lists
{
	[ "$(cat "$MNT"/.archive/other~*/status)" != terminating ]
}
wait_for 60 ended

weaver completion bash >"$W/bash"
# shellcheck disable=SC1091
. "$W/bash"
# completes EXPECTED WORD…: the last word is what the cursor is in.
completes()
{
	local expected=$1
	shift
	COMP_WORDS=(weaver "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_weaver
	assert_eq "$expected" "$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' ')" "weaver $*"
}
completes 'describe doctor' d
completes 'fix-42 fix-43' logs fi
completes 'fix-42 fix-43' sh ''
completes '' sh fix-42 ''
completes 'fix-42 fix-43' rm fix-42 fix-4
completes "fix-42 fix-43 other~$(cut -c29- "$MNT"/.archive/other~*/id)" logs ''
completes '--json' ps --j
completes 'done gone running' wait --for ''
completes 'done' wait --for = d
completes 'gone' wait fix-42 --for g
completes 'status=failed' ps -f status=f
completes 'bash fish zsh' completion ''
completes '' new --image ''
completes 'audit' help au
completes '--dry-run' setup --d

# From the table to each: all verbs and options of help are there.
weaver completion zsh >"$W/zsh"
weaver completion fish >"$W/fish"
weaver help --man >"$W/man"
verbs=$(weaver help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ "$(wc -l <<<"$verbs")" -ge 17 ] || fail "verbs: $verbs"
for verb in $verbs; do
	grep -qE "^	$verb( \| [a-z]*)?\)$" "$W/bash" || fail "bash does not know $verb"
	grep -qE "^	$verb(\|[a-z]*)?\)$" "$W/zsh" || fail "zsh does not know $verb"
	grep -q "use_subcommand -a $verb " "$W/fish" || fail "fish does not know $verb"
	grep -q "^.fB$verb.fR" "$W/man" || fail "the manual does not know $verb"
	for option in $(weaver help "$verb" | sed -nE 's/^  (-., |    )--([a-z-]*).*/\2/p'); do
		sed -n "/^	$verb\b/,/;;/p" "$W/bash" | grep -q -- "--$option\b" || fail "bash: $verb --$option"
		sed -n "/^	$verb\b/,/;;/p" "$W/zsh" | grep -q -- "--$option\b" || fail "zsh: $verb --$option"
		grep -qE "from $verb( [a-z]*)?' .*-l $option( |$)" "$W/fish" || fail "fish: $verb --$option"
	done
done
if command -v zsh >/dev/null; then
	zsh -n "$W/zsh"
	zsh -f -c 'autoload -U compinit && compinit -u -d "$1" && . "$2" && [ "$_comps[weaver]" = _weaver ]' \
		zsh "$W/zcompdump" "$W/zsh"
fi
if command -v fish >/dev/null; then
	fish --no-execute "$W/fish"
	assert_eq 'fix-42 fix-43' "$(fish -c "source $W/fish; complete -C 'weaver sh fi'" | paste -sd' ')"
	assert_eq '--json' "$(fish -c "source $W/fish; complete -C 'weaver ps --js'" | cut -f1)"
fi
if command -v man >/dev/null; then
	assert_eq '' "$(man -l --warnings "$W/man" 2>&1 >/dev/null)" "the manual page"
fi
