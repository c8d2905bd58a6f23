/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for shells, written from the command table; names come from `weaver ps -q`. */
#pragma once
#include <stdio.h>

void completion_bash(FILE *to);
void completion_zsh_print(FILE *to);
void completion_fish_print(FILE *to);
