/* SPDX-License-Identifier: Apache-2.0 */
/* Pods that say they run and cost nothing, for scale tests: --synthetic N. */
#pragma once

void synthetic_make(long count); /* in loom-weavers, labelled loom.dev/managed=true */
