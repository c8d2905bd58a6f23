/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/fetch_page.c: an answer is whole when its body is, and says why when it is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/logs/fetch_page.h"
#include "k8s/base/cleanup.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define PAGE_MAX (4UL << 20)

static struct buf body;
static struct error e;

static int tear_down(void **state)
{
	(void)state;
	buf_done(&body);
	e = (struct error)ERROR_INIT;
	return 0;
}

/* The body of what came so far. */
static int take(const char *answer, size_t len)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_add(&b, answer, len);
	return fetch_page_body(&b, &body, &e);
}

static int take_str(const char *answer)
{
	return take(answer, strlen(answer));
}

static void fetch_page_body_in_pieces_is_whole_with_the_last(void **state)
{
	const char *answer = HEAD "Content-Length: 7\r\nConnection: close\r\n\r\na 1\nb 2";
	size_t len = strlen(answer);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(take(answer, n), 0);
		assert_int_equal(body.len, 0);
	}
	assert_int_equal(take(answer, len), 1);
	assert_string_equal(buf_str(&body), "a 1\nb 2");
}

static void fetch_page_body_ends_where_its_length_says(void **state)
{
	(void)state;
	assert_int_equal(take_str(HEAD "content-length:3\r\n\r\nabcdef"), 1);
	assert_string_equal(buf_str(&body), "abc");
	assert_int_equal(take_str("HTTP/1.0 200 OK\r\nCONTENT-LENGTH: 0\r\n\r\n"), 1);
	assert_string_equal(buf_str(&body), "abc");
}

static void fetch_page_body_of_unknown_length_is_refused(void **state)
{
	static const char *const answers[] = {
		HEAD "\r\nContent-Length: 3\r\n\r\n", /* that is the body */
		HEAD "X-Content-Length: 3\r\n\r\nabc",  HEAD "Content-Length-3: 3\r\n\r\nabc",
		HEAD "Content-Length: many\r\n\r\nabc", HEAD "Content-Length: -1\r\n\r\nabc",
		HEAD "Content-Length:\r\n\r\n3",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		assert_int_equal(take_str(answers[i]), -EPROTO);
		assert_string_equal(e.text, "the answer does not say how long it is");
	}
	assert_int_equal(body.len, 0);
}

static void fetch_page_body_of_no_success_says_so(void **state)
{
	(void)state;
	assert_int_equal(take_str("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"), -EIO);
	assert_string_equal(e.text, "the sidecar answers 503");
	assert_int_equal(take_str("SSH-2.0-x\r\n\r\n"), -EPROTO);
	assert_int_equal(take_str("HTTP/2 200\r\nContent-Length: 2\r\n\r\nno"), -EPROTO);
	assert_int_equal(body.len, 0);
}

static void fetch_page_body_of_too_many_bytes_is_refused(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(take_str(HEAD "Content-Length: 4194305\r\n\r\n"), -EFBIG);
	assert_int_equal(take_str(HEAD "Content-Length: 99999999999999999999\r\n\r\n"), -EFBIG);
	/* Also one whose head does not end. */
	assert_int_equal(buf_reserve(&b, PAGE_MAX + 1), 0);
	memset(b.data, 'x', PAGE_MAX + 1);
	assert_int_equal(take(b.data, PAGE_MAX), 0);
	assert_int_equal(take(b.data, PAGE_MAX + 1), -EFBIG);
	assert_int_equal(body.len, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(fetch_page_body_in_pieces_is_whole_with_the_last),
		TEST(fetch_page_body_ends_where_its_length_says),
		TEST(fetch_page_body_of_unknown_length_is_refused),
		TEST(fetch_page_body_of_no_success_says_so),
		TEST(fetch_page_body_of_too_many_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
