/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/encode.c, encode_details.c: each kind of record is one valid line, whatever is in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/encode.h"
#include "sidecar/names.h"
#include "tests/unit/audit_fixture.h"

static struct encoder encoder;
static union audit_event record;
static struct line line;

static int setup(void **state)
{
	(void)state;
	return encode_init(&encoder, "0193a5b2-7c00-7000-8000-000000000001", "org-1", "1000",
			   names_new(), NULL);
}

static int teardown(void **state)
{
	(void)state;
	names_free(encoder.names);
	return 0;
}

/* The line as a tree; it has been looked at in whole. */
static cJSON *encode_sampled(uint32_t sample)
{
	encode_event(&encoder, &record.ev, sample, &line);
	assert_false(line.full);
	assert_true(line.len < LINE_MAX_BYTES);
	assert_int_equal(line.bytes[line.len - 1], '\n');
	assert_ptr_equal(memchr(line.bytes, '\n', line.len), line.bytes + line.len - 1);

	const char *end;
	cJSON *tree = cJSON_ParseWithLengthOpts(line.bytes, line.len, &end, false);
	if (!tree)
		fail_msg("no JSON: %.*s", (int)line.len, line.bytes);
	assert_ptr_equal(end, line.bytes + line.len - 1);
	return tree;
}

static cJSON *encode(void)
{
	return encode_sampled(0);
}

static const cJSON *details(const cJSON *tree, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, "details"),
						key);
}

static void expect_text(const cJSON *tree, const char *key, const char *value)
{
	const char *got = cJSON_GetStringValue(details(tree, key));

	if (!got)
		fail_msg("no %s: %.*s", key, (int)line.len, line.bytes);
	assert_string_equal(got, value);
}

static void expect_number(const cJSON *tree, const char *key, double value)
{
	const cJSON *got = details(tree, key);

	if (!cJSON_IsNumber(got))
		fail_msg("no %s: %.*s", key, (int)line.len, line.bytes);
	assert_true(got->valuedouble == value);
}

/* The exact bytes of the envelope, which other programs may look for. */
static void encode_open_exact_line(void **state)
{
	(void)state;
	encoder.boot_ns = 1764000000000000000;
	audit_make(&record, EVENT_FILE_OPEN, 42);
	record.ev.cpu = 1;
	encode_event(&encoder, &record.ev, 0, &line);
	line.bytes[line.len] = '\0';
	assert_string_equal(
		line.bytes,
		"{\"weaver_id\":\"0193a5b2-7c00-7000-8000-000000000001\",\"org_id\":\"org-1\","
		"\"owner_user_id\":\"1000\",\"timestamp_ns\":1764000005000000042,\"pid\":4711,"
		"\"tid\":4712,\"comm\":\"bash\",\"event_type\":\"file_open\",\"seq\":[1,0,42],"
		"\"ns_pid\":17,\"start\":400,\"details\":{\"path\":\"/etc/ld.so.cache\","
		"\"flags\":524288,\"mode\":33188,\"fd\":3}}\n");
}

static void encode_each_type_has_envelope(void **state)
{
	static const char *const keys[] = { "weaver_id",    "org_id",     "owner_user_id",
					    "timestamp_ns", "pid",        "tid",
					    "comm",         "event_type", "details" };

	(void)state;
	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		audit_make(&record, type, 1);
		cJSON *tree = encode_sampled(10);
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			assert_non_null(cJSON_GetObjectItemCaseSensitive(tree, keys[i]));
		assert_string_equal(cJSON_GetStringValue(
					    cJSON_GetObjectItemCaseSensitive(tree, "event_type")),
				    encode_type_name(type));
		assert_int_equal(!cJSON_GetObjectItemCaseSensitive(tree, "seq"),
				 type == EVENT_LOST);
		expect_number(tree, "sample", 10);
		cJSON_Delete(tree);
	}
}

/* Each text as long and as bad as can be, each flag set: still one whole line below the limit. */
static void encode_worst_texts_stay_one_line(void **state)
{
	static const unsigned char fills[] = { 'a', '"', '\\', 1, 0x7f, 0xff, 0xc3, 0xf0, '/' };
	char text[EVENT_TEXT_MAX];

	(void)state;
	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
			audit_make(&record, type, UINT64_MAX);
			memset(&record.ev.exec, fills[i],
			       sizeof(record.ev) - offsetof(struct event, exec));
			memset(record.ev.comm, fills[i], sizeof(record.ev.comm));
			record.ev.flags = UINT32_MAX & ~EVENT_SETUP;
			record.ev.pid = record.ev.tid = record.ev.ns_pid = UINT32_MAX;
			record.ev.uid = record.ev.gid = record.ev.ppid = UINT32_MAX;
			record.ev.start_ns = UINT64_MAX;
			record.ev.cpu = UINT16_MAX;
			record.ev.syscall = INT32_MAX;
			memset(text, fills[i], sizeof(text));
			for (unsigned k = 0; k < EVENT_TEXTS; k++)
				audit_text(&record, k, text, sizeof(text));
			cJSON_Delete(encode_sampled(UINT32_MAX));
		}
	}
}

static void encode_exec_members(void **state)
{
	(void)state;
	audit_make(&record, EVENT_EXEC, 1);
	cJSON *tree = encode();
	char *argv = cJSON_PrintUnformatted(details(tree, "argv"));

	assert_string_equal(argv, "[\"git\",\"status\",\"-s\"]");
	expect_text(tree, "path", "/usr/bin/git");
	expect_text(tree, "cwd", "/workspace");
	expect_number(tree, "uid", 1000);
	expect_number(tree, "gid", 1000);
	expect_number(tree, "ppid", 4700);
	assert_null(details(tree, "argv_len"));
	free(argv);
	cJSON_Delete(tree);
}

static void encode_exec_hides_secrets_and_says_so(void **state)
{
	static const char args[] = "curl\0-H\0Authorization: Bearer canary\0--token\0canary\0"
				   "https://u:canary@h/x";

	(void)state;
	audit_make(&record, EVENT_EXEC, 1);
	record.ev.text_len[2] = 0;
	audit_text(&record, 1, args, sizeof(args));
	cJSON *tree = encode();
	assert_null(memmem(line.bytes, line.len, "canary", 6));
	assert_true(cJSON_IsTrue(details(tree, "argv_redacted")));
	assert_int_equal(cJSON_GetArraySize(details(tree, "argv")), 6);
	cJSON_Delete(tree);
}

static void encode_exec_long_argv_keeps_true_length(void **state)
{
	char args[EVENT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(args); i++)
		args[i] = i % 5 == 4 ? '\0' : 'x';
	audit_make(&record, EVENT_EXEC, 1);
	record.ev.text_len[2] = 0;
	record.ev.flags |= EVENT_ARGS_TRUNCATED;
	record.ev.exec.args_len = 70000;
	audit_text(&record, 1, args, sizeof(args));
	cJSON *tree = encode();
	assert_int_equal(cJSON_GetArraySize(details(tree, "argv")), 819);
	expect_number(tree, "argv_len", 70000);
	cJSON_Delete(tree);
}

static void encode_failed_exec_names_error(void **state)
{
	(void)state;
	audit_make(&record, EVENT_EXEC, 1);
	record.ev.flags |= EVENT_FAILED;
	record.ev.exec.result = -2;
	cJSON *tree = encode();
	expect_text(tree, "result", "ENOENT");
	cJSON_Delete(tree);
}

static void encode_exit_of_signal_is_128_more(void **state)
{
	(void)state;
	audit_make(&record, EVENT_EXIT, 1);
	cJSON *tree = encode();
	expect_number(tree, "exit_code", 3);
	assert_null(details(tree, "signal"));
	cJSON_Delete(tree);
	record.ev.exit.status = 9;
	tree = encode();
	expect_number(tree, "exit_code", 137);
	expect_number(tree, "signal", 9);
	cJSON_Delete(tree);
}

static void encode_path_not_utf8_has_its_bytes(void **state)
{
	(void)state;
	audit_make(&record, EVENT_FILE_WRITE, 1);
	audit_text(&record, 0, "/tmp/a\xff\"\n\x1b", 10);
	cJSON *tree = encode();
	expect_text(tree, "path", "/tmp/a\xef\xbf\xbd\"\n\x1b");
	expect_text(tree, "bytes", "2f746d702f61ff220a1b");
	assert_non_null(memmem(line.bytes, line.len, "\\\"\\u000a\\u001b\"", 15));
	cJSON_Delete(tree);
}

static void encode_rename_has_both_paths(void **state)
{
	(void)state;
	audit_make(&record, EVENT_FILE_METADATA, 1);
	record.ev.file.op = FILE_OP_RENAME;
	audit_text(&record, 1, "/etc/b", 6);
	cJSON *tree = encode();
	expect_text(tree, "op", "rename");
	expect_text(tree, "path", "/etc/ld.so.cache");
	expect_text(tree, "to", "/etc/b");
	cJSON_Delete(tree);
	record.ev.file.op = FILE_OP_SETXATTR;
	tree = encode();
	expect_text(tree, "name", "/etc/b");
	cJSON_Delete(tree);
}

static void encode_long_path_keeps_its_end(void **state)
{
	char path[EVENT_TEXT_MAX];

	(void)state;
	memset(path, '\x01', sizeof(path));
	memcpy(path + sizeof(path) - 4, "/end", 4);
	audit_make(&record, EVENT_FILE_OPEN, 1);
	audit_text(&record, 0, path, sizeof(path));
	cJSON *tree = encode();
	const char *got = cJSON_GetStringValue(details(tree, "path"));
	assert_string_equal(got + strlen(got) - 4, "/end");
	assert_true(cJSON_IsTrue(details(tree, "path_truncated")));
	cJSON_Delete(tree);
}

static void encode_connect_members(void **state)
{
	(void)state;
	audit_make(&record, EVENT_CONNECT, 1);
	record.ev.flags |= EVENT_RESULT;
	record.ev.net.result = -111;
	cJSON *tree = encode();
	expect_number(tree, "fd", 5);
	expect_text(tree, "remote_ip", "192.0.2.7");
	expect_number(tree, "remote_port", 443);
	expect_text(tree, "result", "ECONNREFUSED");
	assert_null(details(tree, "hostname"));
	cJSON_Delete(tree);
}

static void encode_unix_connect_has_path(void **state)
{
	(void)state;
	audit_make(&record, EVENT_CONNECT, 1);
	record.ev.net.family = AF_UNIX;
	audit_text(&record, 0, "/run/x.sock", 11);
	cJSON *tree = encode();
	expect_text(tree, "path", "/run/x.sock");
	assert_null(details(tree, "remote_ip"));
	cJSON_Delete(tree);
}

/* One question, one answer: example.com A 192.0.2.7, ttl 1. */
static const char answer[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\7example\3com\0\0\1\0\1"
			     "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\7";

static void encode_dns_answer_names_later_connect(void **state)
{
	(void)state;
	audit_make(&record, EVENT_DNS_RESPONSE, 1);
	record.ev.net.protocol = 17;
	audit_text(&record, 0, answer, sizeof(answer) - 1);
	cJSON *tree = encode();
	char *addresses = cJSON_PrintUnformatted(details(tree, "addresses"));
	expect_text(tree, "query", "example.com");
	expect_text(tree, "query_type", "A");
	expect_number(tree, "ttl", 1);
	assert_string_equal(addresses, "[\"192.0.2.7\"]");
	free(addresses);
	cJSON_Delete(tree);

	audit_make(&record, EVENT_CONNECT, 1);
	record.ev.time_ns += 4000000000; /* within the 5 s that the ttl counts at least */
	tree = encode();
	expect_text(tree, "hostname", "example.com");
	cJSON_Delete(tree);
	record.ev.time_ns += 2000000000;
	tree = encode();
	assert_null(details(tree, "hostname"));
	cJSON_Delete(tree);
}

static void encode_dns_query_over_tcp_skips_length(void **state)
{
	char message[64] = { 0, 29 };

	(void)state;
	memcpy(message + 2, "\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3com\0\0\x1c\0\1", 29);
	audit_make(&record, EVENT_DNS_QUERY, 1);
	audit_text(&record, 0, message, 31);
	cJSON *tree = encode();
	expect_text(tree, "query", "example.com");
	expect_text(tree, "query_type", "AAAA");
	cJSON_Delete(tree);
	audit_text(&record, 0, message, 9);
	tree = encode();
	assert_true(cJSON_IsTrue(details(tree, "malformed")));
	expect_text(tree, "query", "");
	cJSON_Delete(tree);
}

static void encode_privilege_and_escape_name_their_call(void **state)
{
	(void)state;
	audit_make(&record, EVENT_PRIVILEGE, 1);
	record.ev.syscall = SYS_setuid;
	cJSON *tree = encode();
	expect_text(tree, "syscall", "setuid");
	expect_number(tree, "old_uid", 1000);
	expect_number(tree, "new_uid", 0);
	assert_null(details(tree, "old_gid"));
	cJSON_Delete(tree);

	audit_make(&record, EVENT_ESCAPE, 1);
	record.ev.syscall = SYS_unshare;
	tree = encode();
	expect_text(tree, "syscall", "unshare");
	expect_number(tree, "arg0", 0x10000000);
	cJSON_Delete(tree);
	record.ev.syscall = 9999;
	tree = encode();
	expect_text(tree, "syscall", "9999");
	cJSON_Delete(tree);
#ifdef __x86_64__
	record.ev.syscall = 310; /* of the 32-bit table */
	record.ev.flags |= EVENT_COMPAT;
	tree = encode();
	expect_text(tree, "syscall", "unshare");
	assert_true(cJSON_IsTrue(details(tree, "compat")));
	cJSON_Delete(tree);
#endif
}

static void encode_lost_members(void **state)
{
	(void)state;
	audit_make(&record, EVENT_LOST, 0);
	record.ev.cpu = 3;
	cJSON *tree = encode();
	expect_text(tree, "stage", "ring");
	expect_text(tree, "kind", "file_open");
	expect_number(tree, "cpu", 3);
	expect_number(tree, "ring", 0);
	expect_number(tree, "count", 12);
	assert_non_null(details(tree, "first_ts"));
	cJSON_Delete(tree);
}

static void encode_init_refuses_long_identity(void **state)
{
	struct encoder other;
	struct error e = ERROR_INIT;
	char id[400];

	(void)state;
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(encode_init(&other, id, "", "", NULL, &e), -EINVAL);
	assert_non_null(strstr(e.text, "LOOM_WEAVER_ID"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_open_exact_line),
		cmocka_unit_test(encode_each_type_has_envelope),
		cmocka_unit_test(encode_worst_texts_stay_one_line),
		cmocka_unit_test(encode_exec_members),
		cmocka_unit_test(encode_exec_hides_secrets_and_says_so),
		cmocka_unit_test(encode_exec_long_argv_keeps_true_length),
		cmocka_unit_test(encode_failed_exec_names_error),
		cmocka_unit_test(encode_exit_of_signal_is_128_more),
		cmocka_unit_test(encode_path_not_utf8_has_its_bytes),
		cmocka_unit_test(encode_rename_has_both_paths),
		cmocka_unit_test(encode_long_path_keeps_its_end),
		cmocka_unit_test(encode_connect_members),
		cmocka_unit_test(encode_unix_connect_has_path),
		cmocka_unit_test(encode_dns_answer_names_later_connect),
		cmocka_unit_test(encode_dns_query_over_tcp_skips_length),
		cmocka_unit_test(encode_privilege_and_escape_name_their_call),
		cmocka_unit_test(encode_lost_members),
		cmocka_unit_test(encode_init_refuses_long_identity),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
