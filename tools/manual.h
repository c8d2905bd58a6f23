/* SPDX-License-Identifier: Apache-2.0 */
/* weaver(1), from the command table. */
#pragma once
#include <stdio.h>

void manual_print(FILE *to);
