/* SPDX-License-Identifier: Apache-2.0 */
/* See help.h. */
#include "tools/help.h"

#include <string.h>

#include "tools/verbs.h"

void help_verbs(FILE *to)
{
	fputs("Usage: weaver VERB [OPTION…] …\n\n", to);
	for (size_t i = 0; i < verbs_n; i++)
		fprintf(to, "  %-11s%s\n", verbs_table[i]->name, verbs_table[i]->help);
	fputs("\nweaver VERB --help says more. WEAVER is a name, an id, what only one of them begins\n"
	      "with, or a directory. The mount is $WEAVER_MOUNT, else the one that you are in, else\n"
	      "the only one.\n",
	      to);
}
