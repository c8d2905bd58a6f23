#!/bin/bash
# No host of a package registry and no path of one machine is written anywhere.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
mapfile -t files < <(tests/lint/files '*')
[ ${#files[@]} -gt 0 ] || exit 1
# the backslashes and brackets also keep these patterns from finding themselves
hosts='(proxy|sum)\.golang\.org|pypi\.org|npmjs\.(org|com)|crates\.io|rubygems\.org|(deb|security|snapshot)\.debian\.org'
paths='(^|[^[:alnum:]_.})-])/(wor[k]|roo[t]|tmp/[h])/'
! grep -nIE "$hosts|$paths" "${files[@]}"
