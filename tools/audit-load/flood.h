/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Opens and writes a file `times` times in two processes, and executes times / 100; 0 or 1. */
int flood_do(unsigned long times);
