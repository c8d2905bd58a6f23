/* SPDX-License-Identifier: Apache-2.0 */
/* attr_spec.c: what a weaver is made of, from its pod and from a draft, in the same form. */
#include "tests/unit/attr_view.h"

#define POD(metadata, container)                                                                   \
	"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\"" metadata "},\"spec\":{\"containers\":[{"     \
	"\"name\":\"weaver\"" container "}]}}"

static void values_of_a_live_weaver(void **state)
{
	static const char pod[] =
		POD("", ",\"image\":\"localhost/w:1\",\"workingDir\":\"/a\\\\b\",\"resources\":{"
			"\"limits\":{\"cpu\":\"500m\",\"memory\":\"8Gi\"}},\"env\":[{\"name\":"
			"\"LOOM_REPO\",\"value\":\"https://g/r\"},{\"name\":\"LOOM_BRANCH\","
			"\"value\":\"main\"}]");

	(void)state;
	attr_view_check_pod(pod, image_show, "localhost/w:1\n");
	attr_view_check_pod(pod, workdir_show, "/a\\b\n");
	attr_view_check_pod(pod, cpu_show, "500m\n");
	attr_view_check_pod(pod, memory_show, "8Gi\n");
	attr_view_check_pod(pod, repo_show, "https://g/r\n");
	attr_view_check_pod(pod, branch_show, "main\n");
	attr_view_check_pod(BARE_POD, repo_show, "");
	attr_view_check_pod(POD("", ",\"workingDir\":\"/a\\u001b[2J\\\\\""), workdir_show,
			    "/a\\x1B[2J\\\\\n");
}

#define COMMAND(list) POD("", ",\"command\":" list)

static void command_show_lines_or_json(void **state)
{
	(void)state;
	attr_view_check_pod(BARE_POD, command_show, "");
	attr_view_check_pod(COMMAND("[\"sh\",\"-c\",\"echo \\\\n \\\"x\\\"\"]"), command_show,
			    "sh\n-c\necho \\n \"x\"\n");
	attr_view_check_pod(COMMAND("[\"sh\",\"-c\",\"a\\nb\"]"), command_show,
			    "[\"sh\",\"-c\",\"a\\nb\"]\n");
	/* what would be read as something else, or not at all */
	attr_view_check_pod(COMMAND("[\"[\",\"a\",\"]\"]"), command_show, "[\"[\",\"a\",\"]\"]\n");
	attr_view_check_pod(COMMAND("[\"a\",\"[\"]"), command_show, "a\n[\n");
	attr_view_check_pod(COMMAND("[\"a\",\"\"]"), command_show, "[\"a\",\"\"]\n");
	attr_view_check_pod(COMMAND("[\"\\u007f\\u009b\\u00e9\\u001b\"]"), command_show,
			    "[\"\\u007f\\u009b\xc3\xa9\\u001b\"]\n");
	attr_view_check_pod(POD("", ",\"args\":[\"x\",\"y\"]"), args_show, "x\ny\n");
}

static void env_show_leaves_ours_out(void **state)
{
	(void)state;
	attr_view_check_pod(POD("", ",\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":"
				    "\"LOOM_WEAVER_ID\",\"value\":\"x\"},{\"name\":\"B\","
				    "\"value\":\"two\\nlines\"},{\"name\":\"C\"}]"),
			    env_show, "A=1\nB=two\\nlines\nC=\n");
}

static void tags_show_bad_json_is_empty(void **state)
{
#define TAGS(json) POD(",\"annotations\":{\"loom.dev/tags\":\"" json "\"}", "")
	(void)state;
	attr_view_check_pod(TAGS("{\\\"a\\\":\\\"b\\\",\\\"n\\\":1,\\\"c\\\":\\\"\\\"}"), tags_show,
			    "a=b\nc=\n");
	attr_view_check_pod(TAGS("{\\\"a\\\":"), tags_show, "");
	attr_view_check_pod(TAGS("[\\\"a\\\"]"), tags_show, "");
	attr_view_check_pod(BARE_POD, tags_show, "");
}

static void hold_show_is_zero_or_one(void **state)
{
	(void)state;
	attr_view_check_pod(BARE_POD, hold_show, "0\n");
	attr_view_check_pod(POD(",\"annotations\":{\"loom.dev/hold\":\"1\"}", ""), hold_show,
			    "1\n");
	attr_view_check_pod(POD(",\"annotations\":{\"loom.dev/hold\":\"0\"}", ""), hold_show,
			    "0\n");
}

static void shows_of_a_draft_have_the_same_form(void **state)
{
	char image[] = "i:1", cpu[] = "2", key[] = "K", value[] = "v", sh[] = "sh",
	     script[] = "a\nb";
	char *command[] = { sh, script, NULL };
	struct podspec_pair pair = { key, value };
	struct podspec spec = { .image = image,
				.cpu = cpu,
				.command = command,
				.args = &command[2],
				.env = &pair,
				.n_env = 1,
				.tags = &pair,
				.n_tags = 1,
				.hold = true };
	struct attr_view v;

	(void)state;
	attr_view_init(&v, NULL, &spec);
	attr_view_check(&v, image_show, "i:1\n");
	attr_view_check(&v, cpu_show, "2\n");
	attr_view_check(&v, memory_show, "");
	attr_view_check(&v, command_show, "[\"sh\",\"a\\nb\"]\n");
	attr_view_check(&v, args_show, "");
	attr_view_check(&v, env_show, "K=v\n");
	attr_view_check(&v, tags_show, "K=v\n");
	attr_view_check(&v, hold_show, "1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_a_live_weaver),
		cmocka_unit_test(command_show_lines_or_json),
		cmocka_unit_test(env_show_leaves_ours_out),
		cmocka_unit_test(tags_show_bad_json_is_empty),
		cmocka_unit_test(hold_show_is_zero_or_one),
		cmocka_unit_test(shows_of_a_draft_have_the_same_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
