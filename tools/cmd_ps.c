/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver ps: without options the mount's own table (.weaverfs/weavers, which is that of `loom
 * weaver ps`), coloured on a terminal; with them what the weavers' files say.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/find.h"
#include "tools/options.h"
#include "tools/rows.h"
#include "tools/text.h"
#include "tools/value.h"

#define PS_FILTERS_MAX 16
#define PS_STATUS_COLUMN 72 /* of the table: after 40 and 30 and a blank each */
#define PS_STATUS_WIDTH 10

enum { PS_JSON = 256, PS_NO_HEADERS };

struct ps {
	bool all, quiet, wide, json, no_headers, coloured;
	const char *filters[PS_FILTERS_MAX];
	size_t n_filters;
	char **names; /* operands; none: all */
	int n_names;
	int64_t now_s;
};

/* ---- which ---- */

static bool ps_is(const char *filter, const char *key, const char **ret_value)
{
	size_t len = strlen(key);

	*ret_value = filter + len + 1;
	return strncmp(filter, key, len) == 0 && filter[len] == '=';
}

/* tag=KEY or tag=KEY=VALUE */
static bool ps_has_tag(const struct row *row, const char *wanted)
{
	char key[64];
	size_t len = strcspn(wanted, "="), found_len;

	if (len >= sizeof(key))
		return false;
	memcpy(key, wanted, len);
	key[len] = '\0';
	const char *found = rows_tag(row, key, &found_len);
	if (!found || !wanted[len])
		return found != NULL;
	return strlen(wanted + len + 1) == found_len &&
	       strncmp(found, wanted + len + 1, found_len) == 0;
}

static bool ps_passes(const struct row *row, const char *filter)
{
	const char *value;

	if (ps_is(filter, "status", &value))
		return strcmp(row->status, value) == 0;
	if (ps_is(filter, "name", &value))
		return strstr(row->name, value) != NULL;
	if (ps_is(filter, "id", &value))
		return strncmp(row->id, value, strlen(value)) == 0;
	if (ps_is(filter, "image", &value))
		return strstr(row->image, value) != NULL;
	if (ps_is(filter, "node", &value))
		return strcmp(row->node, value) == 0;
	if (ps_is(filter, "owner", &value))
		return strncmp(row->owner, value, strlen(value)) == 0 &&
		       (row->owner[strlen(value)] == ':' || !row->owner[strlen(value)]);
	return ps_is(filter, "tag", &value) && ps_has_tag(row, value);
}

static bool ps_wanted(const struct ps *ps, const struct row *row)
{
	bool named = ps->n_names == 0;

	for (int i = 0; i < ps->n_names; i++)
		named |= strcmp(ps->names[i], row->name) == 0 || strcmp(ps->names[i], row->id) == 0;
	for (size_t i = 0; named && i < ps->n_filters; i++)
		named = ps_passes(row, ps->filters[i]);
	return named;
}

static bool ps_check_filter(const char *filter)
{
	static const char *const keys[] = {
		"status", "name", "id", "image", "node", "owner", "tag"
	};
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (ps_is(filter, keys[i], &value))
			return true;
	return false;
}

/* ---- how ---- */

static int64_t ps_hours_up(int64_t s)
{
	return s > 0 ? (s + 3599) / 3600 : 0;
}

static double ps_age_hours(const struct ps *ps, const struct row *row)
{
	int64_t age_s = ps->now_s - row->created_s;

	return (double)(row->created_s && age_s > 0 ? age_s : 0) / 3600;
}

static void ps_print_json(const struct ps *ps, const struct row *row, bool first)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	char created[32] = "";
	struct tm tm;
	time_t created_s = (time_t)row->created_s;

	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&created_s, &tm));
	buf_printf(&out, "%s\n  {\"id\":\"%s\",\"pod_name\":", first ? "" : ",", row->id);
	buf_add_json(&out, row->pod, strlen(row->pod));
	buf_printf(&out, ",\"status\":\"%s\",\"created_at\":\"%s\",\"image\":", row->status,
		   created);
	buf_add_json(&out, row->image, strlen(row->image));
	buf_printf(&out, ",\"lifetime_hours\":%" PRId64 ",\"age_hours\":%.4f",
		   ps_hours_up(row->expires_s - row->created_s), ps_age_hours(ps, row));
	if (ps->wide) {
		buf_add_str(&out, ",\"name\":");
		buf_add_json(&out, row->name, strlen(row->name));
		buf_printf(&out, ",\"ttl_seconds\":%" PRId64 ",\"owner\":\"%s\",\"node\":",
			   row->expires_s - ps->now_s, row->owner);
		buf_add_json(&out, row->node, strlen(row->node));
		buf_add_str(&out, ",\"reason\":");
		buf_add_json(&out, row->reason, strlen(row->reason));
		buf_add_str(&out, ",\"tags\":");
		buf_add_json(&out, row->tags, strlen(row->tags));
	}
	buf_add_char(&out, '}');
	fputs(buf_str(&out), stdout);
}

static void ps_print_status(const struct ps *ps, const char *status, int width)
{
	printf("%s%-*s%s", text_status_colour(ps->coloured, status), width, status,
	       text_plain(ps->coloured));
}

/* As .weaverfs/weavers has it. */
static void ps_print_row(const struct ps *ps, const struct row *row)
{
	char image[32], age[TEXT_MAX] = "-", ttl[TEXT_MAX] = "-";

	snprintf(image, sizeof(image), strlen(row->image) > 28 ? "%.25s..." : "%.28s",
		 row->image[0] ? row->image : "-");
	if (row->created_s)
		snprintf(age, sizeof(age), "%.1fh", ps_age_hours(ps, row));
	if (row->expires_s)
		snprintf(ttl, sizeof(ttl), "%" PRId64 "h",
			 ps_hours_up(row->expires_s - row->created_s));
	printf("%-40s %-30s ", row->id, image);
	ps_print_status(ps, row->status, PS_STATUS_WIDTH);
	printf(" %-8s %-8s\n", age, ttl);
}

static void ps_print_wide(const struct ps *ps, const struct row *row)
{
	char age[TEXT_MAX], left[TEXT_MAX];

	text_duration(row->created_s ? ps->now_s - row->created_s : -1, age);
	text_duration(row->archived || !row->expires_s ? -1 : row->expires_s - ps->now_s, left);
	printf("%-28s ", row->name);
	ps_print_status(ps, row->status, 11);
	printf(" %-8s %-8s %-13s %-16s %-40s %s\n", age, left, row->owner,
	       row->node[0] ? row->node : "-", row->image, row->reason);
}

static void ps_print_head(const struct ps *ps)
{
	char ruler[97];

	if (ps->no_headers)
		return;
	if (ps->wide) {
		printf("%s%-28s %-11s %-8s %-8s %-13s %-16s %-40s %s%s\n", text_bold(ps->coloured),
		       "NAME", "STATUS", "AGE", "LEFT", "OWNER", "NODE", "IMAGE", "REASON",
		       text_plain(ps->coloured));
		return;
	}
	memset(ruler, '-', sizeof(ruler) - 1);
	ruler[sizeof(ruler) - 1] = '\0';
	printf("%s%-40s %-30s %-10s %-8s %-8s%s\n%s\n", text_bold(ps->coloured), "ID", "IMAGE",
	       "STATUS", "AGE", "TTL", text_plain(ps->coloured), ruler);
}

static void ps_print(const struct ps *ps, const struct rows *rows)
{
	size_t shown = 0;

	if (ps->json)
		putchar('[');
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->all[i];
		if (!ps_wanted(ps, row))
			continue;
		if (shown++ == 0 && !ps->json && !ps->quiet)
			ps_print_head(ps);
		if (ps->json)
			ps_print_json(ps, row, shown == 1);
		else if (ps->quiet)
			puts(row->name);
		else if (ps->wide)
			ps_print_wide(ps, row);
		else
			ps_print_row(ps, row);
	}
	if (ps->json)
		puts(shown ? "\n]" : "]");
	else if (shown == 0 && !ps->quiet && !ps->no_headers)
		puts("No weavers running");
}

/* The mount's own table as it is, a colour around each status. */
static int ps_print_table(const struct ps *ps, const char *mount)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, text = BUF_INIT;
	struct error e = ERROR_INIT;

	buf_printf(&path, "%s/.weaverfs/weavers", mount);
	if (value_read(AT_FDCWD, buf_str(&path), &text, &e) < 0)
		return complain_failed(&e);
	for (char *rest = text.data, *line; rest && (line = strsep(&rest, "\n"));) {
		char status[PS_STATUS_WIDTH + 1];
		size_t len = strlen(line);
		if (!ps->coloured || len < PS_STATUS_COLUMN + PS_STATUS_WIDTH || line[0] == '-') {
			puts(line);
			continue;
		}
		memcpy(status, line + PS_STATUS_COLUMN, PS_STATUS_WIDTH);
		status[PS_STATUS_WIDTH] = '\0';
		status[strcspn(status, " ")] = '\0';
		if (strcmp(status, "STATUS") == 0) {
			printf("%s%s%s\n", text_bold(true), line, text_plain(true));
			continue;
		}
		printf("%.*s", PS_STATUS_COLUMN, line);
		ps_print_status(ps, status, PS_STATUS_WIDTH);
		puts(line + PS_STATUS_COLUMN + PS_STATUS_WIDTH);
	}
	return 0;
}

static int ps_take(struct ps *ps, const char *filter, bool tag, struct options *o)
{
	static char tags[PS_FILTERS_MAX][128];

	if (ps->n_filters == PS_FILTERS_MAX)
		return complain_usage(o->c, "ps: more than %d filters", PS_FILTERS_MAX);
	char *place = tags[ps->n_filters];
	if (tag && snprintf(place, sizeof(tags[0]), "tag=%s", filter) >= (int)sizeof(tags[0]))
		return complain_usage(o->c, "ps: --tag %s: too long", filter);
	if (!tag && !ps_check_filter(filter))
		return complain_usage(o->c,
				      "ps: --filter %s: KEY=VALUE with a KEY of status, name, "
				      "id, image, node, owner, tag",
				      filter);
	ps->filters[ps->n_filters++] = tag ? place : filter;
	return 0;
}

/* Fills ps; the exit status, or -1: go on. */
static int ps_parse(struct ps *ps, int argc, char **argv)
{
	struct options o;

	options_begin(&o, &cmd_ps_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		int status = 0;
		switch (key) {
		case 'a':
			ps->all = true;
			break;
		case 'q':
			ps->quiet = true;
			break;
		case 'w':
			ps->wide = true;
			break;
		case PS_JSON:
			ps->json = true;
			break;
		case PS_NO_HEADERS:
			ps->no_headers = true;
			break;
		case 'f':
			status = ps_take(ps, o.value, false, &o);
			break;
		case 'l':
			status = ps_take(ps, o.value, true, &o);
			break;
		default:
			return o.status;
		}
		if (status)
			return status;
	}
	ps->names = o.argv;
	ps->n_names = o.argc;
	return -1;
}

static int cmd_ps_run(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf mount = BUF_INIT;
	_cleanup_(rows_done) struct rows rows = { 0 };
	struct ps ps = { .coloured = text_coloured(STDOUT_FILENO), .now_s = time(NULL) };
	struct error e = ERROR_INIT;
	int status = ps_parse(&ps, argc, argv);

	if (status >= 0)
		return status;
	if (find_mount(&mount, &e) < 0)
		return complain_failed(&e);
	if (argc == 1)
		return ps_print_table(&ps, buf_str(&mount));
	if (rows_load(buf_str(&mount), ps.all, &rows, &e) < 0)
		return complain_failed(&e);
	ps_print(&ps, &rows);
	return 0;
}

/* clang-format off */
static const struct cmd_option ps_options[] = {
	{ 'a', "all", .help = "also those that are gone, as .archive has them" },
	{ 'q', "quiet", .help = "names alone" },
	{ 'w', "wide", .help = "name, owner, node and reason, too; with --json more members" },
	{ PS_JSON, "json", .help = "an array of objects" },
	{ 'f', "filter", "KEY=VALUE", "status=running status=pending status=failed status=succeeded "
	  "status=terminating name= id= image= node= owner= tag=",
	  "only those with this status, name, id, image, node, owner or tag" },
	{ 'l', "tag", "KEY[=VALUE]", .help = "only those with this tag" },
	{ PS_NO_HEADERS, "no-headers", .help = "rows alone, and nothing for none" },
	{ 0 },
};

const struct cmd cmd_ps_entry = {
	.name = "ps", .alias = "ls",
	.usage = "[WEAVER…]",
	.help = "list the weavers",
	.more = "Filters add up. name= and image= ask for a part, id= for the beginning, owner= for a\n"
		"uid or uid:gid, tag= for KEY or KEY=VALUE.\n",
	.operands = CMD_ARCHIVED,
	.options = ps_options,
	.run = cmd_ps_run,
};
/* clang-format on */
