#!/bin/bash
# There is no goto outside *.bpf.c: _cleanup_ ends what a scope began.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
mapfile -t files < <(tests/lint/files '*.c' '*.h' | grep -v '\.bpf\.c$')
[ ${#files[@]} -gt 0 ] || exit 1
! grep -nE '\bgoto[[:space:]]+\*?[A-Za-z_][A-Za-z0-9_]*[[:space:]]*;' "${files[@]}"
