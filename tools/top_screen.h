/* SPDX-License-Identifier: Apache-2.0 */
/* The screen of `weaver top`: frames of lines, of which only those that differ are written. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tools/top_model.h"

struct top_screen {
	uint16_t rows, cols;
	bool coloured;
	size_t first;  /* shown at the top: it scrolls */
	char **before; /* the lines that are there; NULL: nothing known */
	uint16_t before_n;
};

struct top_note {
	const char *health; /* the first line of .weaverfs/health */
	const char *prompt; /* instead of the keys; "": none */
};

void top_screen_enter(
	struct top_screen *s); /* the other screen, no cursor; the size is asked for */
void top_screen_leave(struct top_screen *s);
void top_screen_draw(struct top_screen *s, struct top_model *m, const struct top_note *note);
/* The table as text, for who is no terminal. */
void top_screen_print(struct top_model *m);
