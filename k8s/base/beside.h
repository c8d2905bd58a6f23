/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of ours that start each other: they are in one directory, in a build as installed. */
#pragma once
#include <limits.h>
#include <stdbool.h>

/*
 * What to give execvp(3) for the program `name`: its path in the directory of this program, and
 * true; where it is not there, `name` itself, to be looked for in $PATH, and false.
 */
bool beside_find(const char *name, char ret_path[PATH_MAX]);
