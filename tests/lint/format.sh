#!/bin/bash
# C sources are as .clang-format has them.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
case $(clang-format --version 2>/dev/null) in
*' version 14.'*) ;;
*) echo "skipped: clang-format 14 (Debian 12) decides, other versions differ"; exit 77 ;;
esac
tests/lint/files '*.c' '*.h' | xargs -r clang-format --dry-run -Werror --ferror-limit=3
