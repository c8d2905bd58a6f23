#!/bin/bash
# Nothing is left for later: no TO-DO, FIX-ME or X-X-X marks.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
mapfile -t files < <(tests/lint/files '*' | grep -vE '(^|/)(go\.sum|LICENSE)$')
[ ${#files[@]} -gt 0 ] || exit 1
! grep -nIE '\b(TOD[O]|FIXM[E]|XX[X])\b' "${files[@]}"
