/* SPDX-License-Identifier: Apache-2.0 */
/* All verbs at a glance. */
#pragma once
#include <stdio.h>

void help_verbs(FILE *to);
