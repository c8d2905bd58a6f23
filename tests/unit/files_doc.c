/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/files.md: the table of table.c as a page to read. No test and no part of weaverfs,
 * it stands here because programs of this folder are linked with all of fs/; tests/lint/docs.sh
 * runs it and says how to renew the page.
 */
#include <stdio.h>

#include "fs/attr/attr.h"

static const char head[] =
	"<!-- Made from fs/attr/table.c by tests/lint/docs.sh --write; not to be edited. -->\n"
	"# Files\n"
	"\n"
	"A mounted namespace is a directory of weavers:\n"
	"\n"
	"```\n"
	"/mnt/weavers/\n"
	"├── <weaver>/             one directory per live weaver: mkdir makes one, rmdir ends it\n"
	"└── .weaverfs/            the mount's own state and settings\n"
	"    └── defaults/         what a bare mkdir uses\n"
	"```\n"
	"\n"
	"One value a file, one trailing newline; a value that is not known (yet) is an empty file.\n"
	"Control characters in text from the cluster are escaped (`\\x1B`, `\\n`), but not in `logs` and\n"
	"`pod.json`. A directory belongs to who made it; its files have the owner and group of it.\n"
	"`.weaverfs/help` is this page on the mount.\n"
	"\n"
	"Files that are fetched when opened (`usage`, `pod.json`) have size 0: `cat`, `cp`, `grep`, `jq`\n"
	"and `wc` read them to their end, `tar` and `rsync` believe the size and copy nothing. A file\n"
	"that has nothing to give, as `usage` without a metrics server, fails to open (ENODATA): `cp -r`,\n"
	"`tar` and `grep -r` say so, go on, and end with their status for it.\n";

/* A scope's rows, the modes as stat(1) shows them. */
static void print_scope(const char *title, const char *intro, unsigned scope)
{
	printf("\n## %s\n%s\n| file | mode | content |\n|---|---|---|\n", title, intro);
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = table_get(row, scope);
		if (!a || a->flags & ATTR_DIRECTORY)
			continue;
		unsigned mode = a->flags & ATTR_BULK ? 0666 : table_mode(a, scope);
		printf("| `%s%s%s` | %04o | %s |\n", a->dir ? a->dir : "", a->dir ? "/" : "",
		       a->name, mode, a->help);
	}
}

int main(void)
{
	fputs(head, stdout);
	print_scope(
		"A weaver's directory",
		"\n`reason` has a hint for each trouble that is known; `ttl` is refused with ERANGE "
		"beyond\nmaxTtlHours from the creation, and with EINVAL where no time would be "
		"left. `command` replaces\nthe image's entrypoint, so that nothing clones `repo`; "
		"`args` leaves it in place.\n",
		ATTR_LIVE);
	print_scope(
		"A draft, and `.weaverfs/defaults`",
		"\nEmpty where the image or the setting decides. Lists gather over the writes of "
		"one open; a JSON\narray for `command` or `args` must come in one write. "
		"Kubernetes expands `$(VAR)` in `command`,\n`args` and `env`; `$$(VAR)` is how "
		"to say `$(VAR)`.\n",
		ATTR_DRAFT);
	print_scope("`.archive/<weaver>~<id8>`", "\nThe last content of each.\n", ATTR_ARCHIVE);
	print_scope("`.weaverfs`", "", ATTR_CONTROL);
	return ferror(stdout) || fflush(stdout) == EOF;
}
