/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/log.c: what reaches stderr in each form; one line and one write a message. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/log.h"

static int saved = -1, file = -1;
static char text[1 << 20];

/* stderr becomes a file in memory, so that what was logged can be read back. */
static int set_up(void **state)
{
	(void)state;
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	file = memfd_create("stderr", MFD_CLOEXEC);
	unsetenv("JOURNAL_STREAM");
	/* as a log file is opened: each write goes to the end */
	if (file < 0 || fcntl(file, F_SETFL, O_APPEND) < 0)
		return -1;
	return saved >= 0 && dup2(file, STDERR_FILENO) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(file);
	return 0;
}

static const char *logged(void)
{
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void start(enum log_level level, bool json)
{
	log_init(&(struct log_options){ .program = "prog", .level = level, .json = json });
}

static void log_write_text_has_program(void **state)
{
	(void)state;
	start(LOG_LEVEL_INFO, false);
	log_write(LOG_LEVEL_ERROR, "pod %s: gone", "x");
	log_write(LOG_LEVEL_INFO, "%d", 7);
	assert_string_equal(logged(), "prog: pod x: gone\nprog: 7\n");
}

static void log_write_less_severe_is_dropped(void **state)
{
	(void)state;
	start(LOG_LEVEL_WARNING, false);
	log_write(LOG_LEVEL_INFO, "info");
	log_write(LOG_LEVEL_DEBUG, "debug");
	log_write(LOG_LEVEL_WARNING, "warning");
	assert_string_equal(logged(), "prog: warning\n");
	assert_true(log_enabled(LOG_LEVEL_ERROR));
	assert_true(log_enabled(LOG_LEVEL_WARNING));
	assert_false(log_enabled(LOG_LEVEL_INFO));
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
}

static void log_write_untrusted_text_stays_one_line(void **state)
{
	(void)state;
	start(LOG_LEVEL_INFO, false);
	log_write(LOG_LEVEL_INFO, "a\nprog: forged\033[2J\xff");
	assert_string_equal(logged(), "prog: a\\nprog: forged\\x1B[2J\\xFF\n");
}

static void log_write_json_is_one_object(void **state)
{
	(void)state;
	start(LOG_LEVEL_DEBUG, true);
	log_write(LOG_LEVEL_WARNING, "say \"%s\"\n\xff", "x");
	logged();
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);

	cJSON *line = cJSON_Parse(text);

	assert_non_null(line);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, "level")), "warning");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, "program")), "prog");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(line, "message")),
			    "say \"x\"\n\xef\xbf\xbd");
	assert_int_equal(strlen(cJSON_GetStringValue(cJSON_GetObjectItem(line, "time"))), 30);
	assert_int_equal(cJSON_GetArraySize(line), 4);
	cJSON_Delete(line);
}

static void log_write_journal_has_prefix(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	start(LOG_LEVEL_DEBUG, false);
	log_write(LOG_LEVEL_ERROR, "a");
	log_write(LOG_LEVEL_DEBUG, "b");
	assert_string_equal(logged(), "<3>a\n<7>b\n");
}

static void log_write_foreign_journal_has_no_prefix(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "1:1", 1);
	start(LOG_LEVEL_DEBUG, false);
	log_write(LOG_LEVEL_ERROR, "a");
	assert_string_equal(logged(), "prog: a\n");
}

static void log_write_errno_is_kept(void **state)
{
	(void)state;
	start(LOG_LEVEL_INFO, false);
	errno = EXDEV;
	log_write(LOG_LEVEL_INFO, "%m");
	assert_int_equal(errno, EXDEV);
	assert_string_equal(logged(), "prog: Invalid cross-device link\n");
}

static void *write_many(void *arg)
{
	char line[200];

	memset(line, *(const char *)arg, sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 500; i++)
		log_write(LOG_LEVEL_INFO, "%s", line);
	return NULL;
}

static void log_write_two_threads_do_not_mix(void **state)
{
	pthread_t threads[2];
	char letters[2] = { 'a', 'b' };
	size_t lines = 0;

	(void)state;
	start(LOG_LEVEL_INFO, false);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &letters[i]), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	logged();
	for (char *p = text; *p; p = strchr(p, '\n') + 1, lines++) {
		assert_memory_equal(p, "prog: ", 6);
		assert_int_equal(strspn(p + 6, (const char[]){ p[6], '\0' }), 199);
		assert_int_equal(p[6 + 199], '\n');
	}
	assert_int_equal(lines, 1000);
}

static void log_level_parse_words_only(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	(void)state;
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("info", &level), 0);
	assert_int_equal(level, LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("warning", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_int_equal(log_level_parse("error", &level), 0);
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("Error", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(log_level_parse("3", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_ERROR);
}

#define log_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(log_write_text_has_program),
		log_test(log_write_less_severe_is_dropped),
		log_test(log_write_untrusted_text_stays_one_line),
		log_test(log_write_json_is_one_object),
		log_test(log_write_journal_has_prefix),
		log_test(log_write_foreign_journal_has_no_prefix),
		log_test(log_write_errno_is_kept),
		log_test(log_write_two_threads_do_not_mix),
		cmocka_unit_test(log_level_parse_words_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
