/* SPDX-License-Identifier: Apache-2.0 */
/* fs/attr/table.c: every row keeps the rules that users and inode numbers rely on. */
#include "k8s/base/wire.h"
#include "tests/unit/attr_view.h"

#define SCOPES (ATTR_LIVE | ATTR_DRAFT | ATTR_ARCHIVE | ATTR_CONTROL)

static void table_rows_fit_into_an_inode_number(void **state)
{
	(void)state;
	assert_true(table_n >= ATTR_ROW_FIRST && table_n < 256);
	assert_null(table_get(0, SCOPES));
	assert_null(table_get(table_n + 1, SCOPES));
	assert_null(table_get(~0u, SCOPES));
}

/* Inode numbers: what has a number keeps it. New rows are added at the end, here too. */
static void table_rows_keep_their_numbers(void **state)
{
	static const char *const names[] = {
		"status",    "reason",  "ttl",     "expires",  "created", "logs",    "events",
		"exit_code", "image",   "command", "args",     "workdir", "repo",    "branch",
		"cpu",       "memory",  "env",     "tags",     "hold",    "id",      "pod",
		"node",      "ip",      "owner",   "pod.json", "version", "help",    "config",
		"health",    "metrics", "weavers", "errors",   "reap",    "deleted", "deleted_by",
		"secrets",   "follow",  "status",  "events",   "logs",    "wait",    "running",
		"done",      "gone",    "follow",  "events",   "new",     "usage",   "sh",
		"attach",    "exec",    "stdin",   "ports",    "<n>",     ".weaver",
	};

	(void)state;
	assert_true(table_n >= ARRAY_SIZE(names));
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(table_rows[ATTR_ROW_FIRST + i].name, names[i]);
}

static void table_names_are_legal_and_unique(void **state)
{
	(void)state;
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = &table_rows[row];
		assert_true(a->flags & SCOPES);
		/* a port's number stands for its name, and nobody types the socket's */
		bool socket = a->enter == ATTR_ENTER_PORT || a->enter == ATTR_ENTER_WEAVER;
		assert_true(strlen(a->name) > 0 && strlen(a->name) < 64);
		assert_true(socket || a->name[0] != '.');
		assert_true(socket || strspn(a->name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") ==
					      strlen(a->name));
		for (unsigned scope = 1; scope <= SCOPES; scope <<= 1) {
			if (!(a->flags & scope & SCOPES))
				continue;
			assert_int_equal(table_find(a->name, scope, a->dir), row);
			assert_ptr_equal(table_get(row, scope), a);
		}
	}
	assert_int_equal(table_find("nonsense", SCOPES, NULL), 0);
	assert_int_equal(table_find("", SCOPES, NULL), 0);
	assert_int_equal(table_find("version", ATTR_LIVE, NULL), 0);
	assert_int_equal(table_find("status", ATTR_CONTROL, NULL), 0);
}

static void table_rows_have_help_and_one_source(void **state)
{
	(void)state;
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = &table_rows[row];
		int sources = (a->show != NULL) + (a->fetch || a->forward) + (a->stream != NULL) +
			      (a->spool != SPOOL_NONE) + (a->enter != ATTR_ENTER_NONE) +
			      ((a->flags & (ATTR_DIRECTORY | ATTR_BULK)) != 0);
		bool archived = (a->flags & SCOPES) == ATTR_ARCHIVE; /* a file on disk */
		assert_non_null(a->help);
		assert_true(strlen(a->help) >= 5 && !strpbrk(a->help, "\n|"));
		assert_int_equal(sources, !archived);
		/* what is written can be read, and does not pretend to be constant */
		if (a->store)
			assert_true(a->show && !(a->flags & ATTR_CONSTANT));
		assert_int_equal(a->mode & ~0777, 0);
	}
}

static void check_mode(const char *name, unsigned scope, mode_t mode)
{
	const struct attr *a = table_get(table_find(name, scope, NULL), scope);

	assert_non_null(a);
	assert_int_equal(table_mode(a, scope), mode);
}

static void table_mode_follows_hooks_and_scope(void **state)
{
	(void)state;
	check_mode("status", ATTR_LIVE, 0440);
	check_mode("logs", ATTR_LIVE, 0440);
	check_mode("ttl", ATTR_LIVE, 0640);
	check_mode("expires", ATTR_LIVE, 0640);
	check_mode("ttl", ATTR_DRAFT, 0644);
	check_mode("ttl", ATTR_ARCHIVE, 0440);
	check_mode("env", ATTR_DRAFT, 0600);
	check_mode("env", ATTR_LIVE, 0600);
	check_mode("pod.json", ATTR_LIVE, 0600);
	check_mode("sh", ATTR_LIVE, 0700);
	check_mode("exec", ATTR_LIVE, 0600);
	check_mode("stdin", ATTR_LIVE, 0200);
	check_mode("ports", ATTR_LIVE, 0750);
	check_mode(WIRE_SOCKET, ATTR_LIVE, 0600);
	check_mode("weavers", ATTR_CONTROL, 0444);
	check_mode("reap", ATTR_CONTROL, 0600);
}

static bool is_writable(const char *name, unsigned scope)
{
	return table_writable(table_get(table_find(name, scope, NULL), scope), scope);
}

static void table_writable_asks_for_a_hook_not_a_mode(void **state)
{
	(void)state;
	assert_true(is_writable("ttl", ATTR_LIVE));
	assert_true(is_writable("env", ATTR_DRAFT));
	assert_true(is_writable("reap", ATTR_CONTROL));
	assert_true(is_writable("new", ATTR_CONTROL));
	assert_false(is_writable("env", ATTR_LIVE));
	assert_false(is_writable("pod.json", ATTR_LIVE));
	assert_false(is_writable("ttl", ATTR_ARCHIVE));
	assert_false(is_writable("status", ATTR_LIVE));
}

/* All shows of a scope; each gives nothing, or lines. */
static void walk(const struct attr_view *v, unsigned scope)
{
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT;
		const struct attr *a = table_get(row, scope);
		if (!a || !a->show)
			continue;
		assert_int_equal(a->show(&v->view, &out, NULL), 0);
		assert_int_equal(out.len, strlen(buf_str(&out)));
		assert_true(out.len == 0 || out.data[out.len - 1] == '\n');
	}
}

static void table_shows_survive_a_bare_weaver(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(BARE_POD);
	struct attr_view v;

	(void)state;
	attr_view_init(&v, pod, NULL);
	walk(&v, ATTR_LIVE);
}

static void table_shows_survive_an_empty_draft(void **state)
{
	struct podspec spec = { 0 };
	struct attr_view v;

	(void)state;
	attr_view_init(&v, NULL, &spec);
	walk(&v, ATTR_DRAFT);
}

static void table_fetch_paths_are_encoded(void **state)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(
		"{\"metadata\":{\"name\":\"a/../b?x\",\"namespace\":\"n\",\"uid\":\"u\"}}");
	struct attr_view v;

	(void)state;
	attr_view_init(&v, pod, NULL);
	assert_int_equal(attr_stream_pod_json(&v.view, &path, NULL), 0);
	assert_string_equal(buf_str(&path), "/api/v1/namespaces/n/pods/a%2F..%2Fb%3Fx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_rows_fit_into_an_inode_number),
		cmocka_unit_test(table_rows_keep_their_numbers),
		cmocka_unit_test(table_names_are_legal_and_unique),
		cmocka_unit_test(table_rows_have_help_and_one_source),
		cmocka_unit_test(table_mode_follows_hooks_and_scope),
		cmocka_unit_test(table_writable_asks_for_a_hook_not_a_mode),
		cmocka_unit_test(table_shows_survive_a_bare_weaver),
		cmocka_unit_test(table_shows_survive_an_empty_draft),
		cmocka_unit_test(table_fetch_paths_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
