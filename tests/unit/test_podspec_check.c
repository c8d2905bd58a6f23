/* SPDX-License-Identifier: Apache-2.0 */
/* fs/weaver/podspec_check.c: what a draft takes, and the sentence for what it does not. */
#include "fs/weaver/podspec_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void image_references_of_the_grammar(void **state)
{
	static const char *const good[] = {
		"alpine",
		"alpine:3",
		"library/alpine:V1_2.x-y",
		"localhost/weaver:1",
		"localhost:5000/x",
		"ghcr.io/your-org/weaver:latest",
		"r.example:443/a/b__c/d--e.f_g:1",
		"[::1]:5000/x",
		"Registry.Example/x",
		"x@sha256:0123456789abcdef0123456789abcdef",
		"x:1@sha256:0123456789abcdef0123456789abcdef",
	};
	static const char *const bad[] = {
		"",    "UPPER", "a b",    "a:",      "a:b:c",  "a//b",   "/a",   "a/",
		"-a",  "a-",    "a..b",   "a___b",   "a._b",   "a:.b",   "a:-b", "a@sha256:12",
		"a@b", "a@",    "x.y:/a", "x.y:p/a", "-.io/a", "[::1/a", "a\n",  "a\xc3\xa4",
	};
	char longest[260];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (podspec_check_image(good[i], NULL) != 0)
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;
		if (podspec_check_image(bad[i], &e) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(e.text, "image"));
	}
	memset(longest, 'a', sizeof(longest));
	longest[255] = '\0';
	assert_int_equal(podspec_check_image(longest, NULL), 0);
	longest[255] = 'a';
	longest[256] = '\0';
	assert_int_equal(podspec_check_image(longest, NULL), -EINVAL);
}

static void text_is_utf8_without_controls(void **state)
{
	static const char *const bad[] = { "\x01",
					   "a\x1b[2J",
					   "\x7f",
					   "\xc2\x9b",
					   "\xff",
					   "\xc3",
					   "\xc0\x80",
					   "\xed\xa0\x80",
					   "\xe0\x80\x80",
					   "\x80",
					   "\xf4\x90\x80\x80",
					   "a\nb" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(podspec_check_text("x", bad[i], true, NULL), -EINVAL);
	assert_int_equal(podspec_check_text("x", "", false, NULL), 0);
	assert_int_equal(podspec_check_text("x", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", false,
					    NULL),
			 0);
	assert_int_equal(podspec_check_text("x", "a\tb", true, NULL), 0);
	assert_int_equal(podspec_check_text("x", "a\tb", false, NULL), -EINVAL);
}

static void git_gets_no_options(void **state)
{
	(void)state;
	assert_int_equal(podspec_check_git("repo", "https://git.example/r.git", NULL), 0);
	assert_int_equal(podspec_check_git("repo", "git@git.example:r", NULL), 0);
	assert_int_equal(podspec_check_git("repo", "", NULL), 0);
	assert_int_equal(podspec_check_git("branch", "--upload-pack=x", NULL), -EINVAL);
	assert_int_equal(podspec_check_git("branch", "-", NULL), -EINVAL);
	assert_int_equal(podspec_check_git("branch", "a b", NULL), -EINVAL);
	assert_int_equal(podspec_check_git("branch", "a\tb", NULL), -EINVAL);
}

static void keys_that_are_legal_and_free(void **state)
{
	static const char *const bad[] = { "",
					   "1A",
					   "A B",
					   "A=B",
					   "\xc3\xa4",
					   ".",
					   "..x",
					   "LD_PRELOAD",
					   "LD_",
					   "LOOM_REPO",
					   "LOOM_BRANCH",
					   "LOOM_WEAVER_ID",
					   "LOOM_SERVER_URL" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;
		if (podspec_check_key("env", bad[i], &e) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_memory_equal(e.text, "env: ", 5);
	}
	assert_int_equal(podspec_check_key("env", "_a.B-9", NULL), 0);
	assert_int_equal(podspec_check_key("env", "LOOM_OTHER", NULL), 0);
	assert_int_equal(podspec_check_key("env", "OLD_X", NULL), 0);
}

static void quantities_above_zero(void **state)
{
	(void)state;
	assert_int_equal(podspec_check_quantity("cpu", "500m", NULL), 0);
	assert_int_equal(podspec_check_quantity("cpu", "0", NULL), -EINVAL);
	assert_int_equal(podspec_check_quantity("cpu", "-1", NULL), -EINVAL);
	assert_int_equal(podspec_check_quantity("cpu", "", NULL), -EINVAL);
	assert_int_equal(podspec_check_quantity("cpu", "99999999999E", NULL), -EINVAL);
}

static void together_env_and_secrets_are_apart(void **state)
{
	struct podspec_pair env[] = { { (char[]){ "A" }, (char[]){ "" } },
				      { (char[]){ "B" }, (char[]){ "" } } };
	struct podspec s = { .env = env, .n_env = 2, .secrets = &env[1], .n_secrets = 1 };
	struct config c = { .max_ttl_hours = 2 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(podspec_check_together(&s, &c, &e), -EINVAL);
	assert_string_equal(e.text, "B is in env and in secrets");
	s.n_env = 1;
	assert_int_equal(podspec_check_together(&s, &c, &e), 0);
	s.ttl_s = 7200;
	assert_int_equal(podspec_check_together(&s, &c, &e), 0);
	s.ttl_s = 7201;
	assert_int_equal(podspec_check_together(&s, &c, &e), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_references_of_the_grammar),
		cmocka_unit_test(text_is_utf8_without_controls),
		cmocka_unit_test(git_gets_no_options),
		cmocka_unit_test(keys_that_are_legal_and_free),
		cmocka_unit_test(quantities_above_zero),
		cmocka_unit_test(together_env_and_secrets_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
