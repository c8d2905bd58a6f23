/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/filter.c, ledger.c, dns.c, names.c: what is listed, and how the rest is accounted for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "sidecar/dns.h"
#include "sidecar/filter.h"
#include "sidecar/ledger.h"
#include "sidecar/names.h"
#include "tests/unit/audit_fixture.h"

static union audit_event record;

static enum filter_reason ask_file(struct filter *f, unsigned type, unsigned flags,
				   const char *path, uint32_t marks)
{
	uint32_t sample;
	struct event *ev = audit_make(&record, type, 1);

	audit_text(&record, 0, path, strlen(path));
	ev->file.flags = flags;
	ev->flags |= marks;
	return filter_event(f, ev, &sample);
}

static void filter_files(void **state)
{
	static const struct {
		unsigned type, flags;
		const char *path;
		uint32_t marks;
		enum filter_reason reason;
	} rows[] = {
		{ EVENT_FILE_OPEN, O_RDONLY, "/usr/lib/libc.so.6", 0, FILTER_PATH },
		{ EVENT_FILE_READ, 0, "/lib/x", 0, FILTER_PATH },
		{ EVENT_FILE_READ, 0, "/lib64/x", 0, FILTER_PATH },
		{ EVENT_FILE_READ, 0, "/library/x", 0, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_WRONLY, "/usr/lib/libc.so.6", 0, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY | O_CREAT, "/usr/x", 0, FILTER_KEEP },
		{ EVENT_FILE_WRITE, 0, "/usr/x", 0, FILTER_KEEP },
		{ EVENT_FILE_METADATA, 0, "/usr/x", 0, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/etc/passwd", 0, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/dev/null", 0, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/proc/1/environ", 0, FILTER_KEEP },
		{ EVENT_FILE_READ, 0, "/opt/noise/a", 0, FILTER_PATH },
		{ EVENT_FILE_WRITE, 0, "/opt/noise/a", 0, FILTER_KEEP }, /* outside /workspace */
		{ EVENT_FILE_WRITE, 0, "/workspace/target/o", 0, FILTER_PATH },
		{ EVENT_FILE_WRITE, 0, "/workspace/src/o", 0, FILTER_KEEP },
		{ EVENT_FILE_READ, 0, "/usr/share/secret/x", 0, FILTER_KEEP }, /* of `always` */
		/* Where the path is not certain to be what it looks like. */
		{ EVENT_FILE_OPEN, O_RDONLY, "/usr/../etc/shadow", EVENT_ASKED, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "usr/x", EVENT_ASKED, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/usr/x", EVENT_ASKED, FILTER_PATH },
		{ EVENT_FILE_OPEN, O_RDONLY, "/usr/x", EVENT_CHROOTED, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/usr/x", EVENT_DETACHED, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/usr/x", EVENT_PATH_TRUNCATED, FILTER_KEEP },
		{ EVENT_FILE_OPEN, O_RDONLY, "/etc/x", EVENT_SETUP, FILTER_SETUP },
	};
	struct filter f = { .ignore = "/opt/noise/,/workspace/target",
			    .always = "/usr/share/secret",
			    .read_sample = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (ask_file(&f, rows[i].type, rows[i].flags, rows[i].path, rows[i].marks) !=
		    rows[i].reason)
			fail_msg("row %zu: %s", i, rows[i].path);
}

static void filter_samples_reads_of_workspace(void **state)
{
	struct filter f = { .ignore = "", .always = "", .read_sample = 10 };
	unsigned kept = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		kept += ask_file(&f, EVENT_FILE_READ, 0, "/workspace/x", 0) == FILTER_KEEP;
	assert_int_equal(kept, 10);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask_file(&f, EVENT_FILE_WRITE, 0, "/workspace/x", 0), FILTER_KEEP);
}

static void filter_loopback(void **state)
{
	static const struct {
		unsigned type, family;
		const char *bytes;
		enum filter_reason reason;
	} rows[] = {
		{ EVENT_CONNECT, AF_INET, "\x7f\0\0\1", FILTER_LOOPBACK },
		{ EVENT_CONNECT, AF_INET, "\xc0\0\2\1", FILTER_KEEP },
		{ EVENT_ACCEPT, AF_INET6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", FILTER_LOOPBACK },
		{ EVENT_LISTEN, AF_INET6, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1",
		  FILTER_LOOPBACK },
		{ EVENT_LISTEN, AF_INET6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", FILTER_KEEP },
		{ EVENT_CONNECT, AF_UNIX, "\x7f\0\0\1", FILTER_KEEP },
		{ EVENT_DNS_QUERY, AF_INET, "\x7f\0\0\x35", FILTER_KEEP },
	};
	struct filter f = { .ignore = "", .always = "", .read_sample = 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *ev = audit_make(&record, rows[i].type, 1);
		size_t len = rows[i].family == AF_INET6 ? 16 : 4;
		uint32_t sample;

		ev->net.family = rows[i].family;
		memcpy(ev->net.remote, rows[i].bytes, len);
		memcpy(ev->net.local, rows[i].bytes, len);
		if (filter_event(&f, ev, &sample) != rows[i].reason)
			fail_msg("row %zu", i);
	}
}

static void ledger_accounts_for_each_number(void **state)
{
	struct ledger *l = ledger_new();
	struct ledger_row sum;
	unsigned cpu = 0, ring = 0;

	(void)state;
	ledger_see(l, 0, 0, 0, true);
	ledger_see(l, 0, 0, 5, false); /* 1 to 4 are missing */
	ledger_see(l, 900, 1, 1, true);
	ledger_see(l, 0, 0, 3, true); /* it was late */
	const struct ledger_row *r = ledger_next_moved(l, &cpu, &ring);
	assert_int_equal(r->next, 6);
	assert_int_equal(r->listed, 2);
	assert_int_equal(r->filtered, 1);
	assert_int_equal(r->missing, 3);
	ring++;
	r = ledger_next_moved(l, &cpu, &ring);
	assert_int_equal(cpu, 900);
	assert_int_equal(ring, 1);
	assert_int_equal(r->missing, 1);
	ledger_settle(l, 1);
	cpu = ring = 0;
	assert_non_null(ledger_next_moved(l, &cpu, &ring));
	assert_int_equal(cpu, 900);
	ledger_unlist(l, 0, 0, 2);
	ledger_total(l, &sum);
	assert_int_equal(sum.next, 8);
	assert_int_equal(sum.listed, 1);
	assert_int_equal(sum.filtered, 1);
	assert_int_equal(sum.missing, 6);
	ledger_free(l);
}

#define HEAD "\x12\x34\x81\x80\0\1\0\2\0\0\0\0"
#define QUESTION "\7example\3com\0\0\1\0\1"

static int parse(const char *bytes, size_t len, struct dns_message *m)
{
	/* A copy of its very size, so that a sanitizer sees a byte too far. */
	uint8_t *copy = malloc(len ? len : 1);
	memcpy(copy, bytes, len);
	int r = dns_parse(copy, len, m);
	free(copy);
	return r;
}

static void dns_parse_cut_at_any_byte(void **state)
{
	static const char whole[] = HEAD QUESTION "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c"
						  "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7";
	struct dns_message m;
	size_t question = 12 + 17;

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		int r = parse(whole, len, &m);

		assert_int_equal(r, len < question ? -EBADMSG : 0);
		if (r == 0)
			assert_int_equal(m.partial, len < sizeof(whole) - 1);
	}
	assert_string_equal(m.name, "example.com");
	assert_int_equal(m.count, 1);
	assert_int_equal(m.ttl, 60);
	assert_true(m.response);
}

static void dns_parse_refuses_loops_and_odd_names(void **state)
{
	struct dns_message m;

	(void)state;
	/* A pointer to itself, one forward, a label of a forbidden kind. */
	assert_int_equal(parse(HEAD "\xc0\x0c\0\1\0\1", 18, &m), -EBADMSG);
	assert_int_equal(parse(HEAD "\xc0\x20\0\1\0\1", 18, &m), -EBADMSG);
	assert_int_equal(parse(HEAD "\x80x\0\0\1\0\1", 19, &m), -EBADMSG);
	assert_int_equal(parse(HEAD "\0\0\1\0\1", 17, &m), 0);
	assert_string_equal(m.name, ".");
	assert_int_equal(parse(HEAD "\4a.\xff\\\0\0\1\0\1", 22, &m), 0);
	assert_string_equal(m.name, "a\\.\\255\\\\");
}

static void names_expire_and_give_way(void **state)
{
	struct names *n = names_new();
	struct dns_message m = { .name = "old.example", .count = 1 };
	const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };

	(void)state;
	m.addresses[0] = (struct dns_address){ AF_INET, { 192, 0, 2, 1 }, 100000 };
	names_add(n, &m, 0);
	assert_string_equal(names_find(n, AF_INET, mapped + 12, 0), "old.example");
	assert_string_equal(names_find(n, AF_INET6, mapped, 0), "old.example");
	assert_non_null(names_find(n, AF_INET, mapped + 12, 599 * CLOCK_NS_PER_S));
	assert_null(names_find(n, AF_INET, mapped + 12, 600 * CLOCK_NS_PER_S));
	strcpy(m.name, "new.example");
	names_add(n, &m, 0);
	assert_string_equal(names_find(n, AF_INET, mapped + 12, 0), "new.example");
	for (int i = 0; i < NAMES_MAX; i++) {
		m.addresses[0] = (struct dns_address){ AF_INET6,
						       { 0x20, 1, (uint8_t)(i >> 8), (uint8_t)i },
						       60 };
		names_add(n, &m, 0);
	}
	assert_null(names_find(n, AF_INET, mapped + 12, 0));
	assert_string_equal(names_find(n, AF_INET6, m.addresses[0].bytes, 0), "new.example");
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_files),
		cmocka_unit_test(filter_samples_reads_of_workspace),
		cmocka_unit_test(filter_loopback),
		cmocka_unit_test(ledger_accounts_for_each_number),
		cmocka_unit_test(dns_parse_cut_at_any_byte),
		cmocka_unit_test(dns_parse_refuses_loops_and_odd_names),
		cmocka_unit_test(names_expire_and_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
