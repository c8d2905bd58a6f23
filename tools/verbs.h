/* SPDX-License-Identifier: Apache-2.0 */
/* The command table. */
#pragma once
#include <stddef.h>

#include "tools/cmd.h"

extern const struct cmd *const verbs_table[];
extern const size_t verbs_n;

const struct cmd *verbs_find(const char *name); /* also by its alias; NULL: no such */
