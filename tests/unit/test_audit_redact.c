/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/redact.c: secrets in command lines go, all else stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "sidecar/redact.h"

struct row {
	const char *in, *out; /* arguments with | between them */
};

static void check(const struct row *row)
{
	char in[512], out[REDACT_ROOM(512)], got[REDACT_ROOM(512)];
	size_t len = strlen(row->in);
	bool hidden;

	memcpy(in, row->in, len + 1);
	for (char *c = in; *c; c++)
		if (*c == '|')
			*c = '\0';
	size_t n = redact_args(in, len, out, &hidden);
	for (size_t i = 0; i < n; i++)
		got[i] = out[i] ? out[i] : '|';
	got[n] = '\0';
	if (strcmp(got, row->out) != 0)
		fail_msg("%s\n gives %s\n  want %s", row->in, got, row->out);
	assert_int_equal(hidden, strcmp(row->in, row->out) != 0);
}

static void redact_hides(void **state)
{
	static const struct row rows[] = {
		{ "x|--token|abc|y", "x|--token|***|y" },
		{ "x|--token=abc def|y", "x|--token=***|y" },
		{ "x|--api-key|k|--password|p", "x|--api-key|***|--password|***" },
		{ "env|GITHUB_TOKEN=a b c|cmd", "env|GITHUB_TOKEN=***|cmd" },
		{ "env|DB_PASS=x|AWS_SECRET_ACCESS_KEY=y",
		  "env|DB_PASS=***|AWS_SECRET_ACCESS_KEY=***" },
		{ "sh|-c|TOKEN=abc make test", "sh|-c|TOKEN=*** make test" },
		{ "sh|-c|export API_KEY='a b'; run \"x\"", "sh|-c|export API_KEY=***; run \"x\"" },
		{ "sh|-c|curl -H 'Authorization: Bearer abc' http://h/",
		  "sh|-c|curl -H 'Authorization: ***' http://h/" },
		{ "sh|-c|tool --password abc --verbose", "sh|-c|tool --password *** --verbose" },
		{ "curl|-H|Authorization: Bearer abc", "curl|-H|Authorization: ***" },
		{ "curl|-HCookie: sid=abc; x=y", "curl|-HCookie: ***" },
		{ "curl|-u|me:abc|http://h/", "curl|-u|me:***|http://h/" },
		{ "curl|-ume:abc", "curl|-ume:***" },
		{ "curl|--user|me:abc", "curl|--user|me:***" },
		{ "git|clone|https://me:abc@h.example/r.git",
		  "git|clone|https://***@h.example/r.git" },
		{ "git|clone|https://abc@h.example/r.git",
		  "git|clone|https://***@h.example/r.git" },
		{ "curl|https://h/?a=1&access_token=abc&b=2",
		  "curl|https://h/?a=1&access_token=***&b=2" },
		{ "psql|postgres://u:abc@h:5432/db", "psql|postgres://***@h:5432/db" },
		{ "x|ghp_0123456789abcdef0123", "x|***" },
		{ "x|AKIA0123456789ABCDEF", "x|***" },
		{ "x|key:sk-0123456789abcdef0123", "x|key:***" },
		{ "x|eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln", "x|***" },
		{ "x|{\"user\":\"me\",\"password\":\"abc\"}",
		  "x|{\"user\":\"me\",\"password\":***}" },
		{ "mysql|-u|me|-pabc|db", "mysql|-u|me|-p***|db" },
		{ "/usr/bin/sshpass|-p|abc|ssh|h", "/usr/bin/sshpass|-p|***|ssh|h" },
		{ "openssl|rsa|-passin|pass:abc", "openssl|rsa|-passin|pass:***" },
		{ "x|-----BEGIN PRIVATE KEY-----", "x|***" },
		{ "x|--token|", "x|--token|" }, /* nothing there to hide */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(&rows[i]);
}

static void redact_leaves_the_rest(void **state)
{
	static const char *const args[] = {
		"ls|-la|/tmp",
		"mkdir|-p|/workspace/a",
		"git|commit|-m|say: author and keyboard",
		"env|PWD=/workspace|PATH=/bin|cmd",
		"docker|login|--password-stdin|ghcr.io",
		"tool|--token-file|/run/secrets/token",
		"curl|https://h/path?a=1&b=2#c",
		"ssh|me@h.example",
		"git|clone|git@github.com:a/b.git",
		"sort|--key|", /* without a value it is a name alone */
		"sh|-c|for i in 1 2 3; do echo \"$i\"; done",
		"cc|-o|x.o|-DNAME=1|x.c",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		check(&(struct row){ args[i], args[i] });
}

static size_t next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

/* Whatever comes, it stays in its room and its arguments stay as many. */
static void redact_any_bytes_stay_in_room(void **state)
{
	static const char letters[] = "-=: pw'\"@/ab|\0token";
	unsigned seed = 1;
	char in[300], out[REDACT_ROOM(300)];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = next_random(&seed) % sizeof(in), zeros = 0, after = 0;
		bool hidden;

		for (size_t i = 0; i < len; i++) {
			in[i] = letters[next_random(&seed) % (sizeof(letters) - 1)];
			zeros += in[i] == '\0';
		}
		size_t n = redact_args(in, len, out, &hidden);
		assert_true(n <= sizeof(out));
		for (size_t i = 0; i < n; i++)
			after += out[i] == '\0';
		assert_int_equal(zeros, after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_hides),
		cmocka_unit_test(redact_leaves_the_rest),
		cmocka_unit_test(redact_any_bytes_stay_in_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
