/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are a command (fs/into/enter_file.c, _serve.c, _input.c), as the kernel uses them. */
#include "tests/unit/enter_file_fixture.h"

/* ---- exec ---- */

static void first_line_is_the_command_and_the_rest_its_input(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	struct fuse_req w, r;

	(void)state;
	write_start(&w, &fi, "wc ");
	assert_int_equal(w.len, 3);
	assert_int_equal(started, 0);
	write_start(&w, &fi, "-l\na\nb");
	assert_int_equal(w.len, 6);
	assert_string_equal(line, "wc -l");
	assert_string_equal(input, "a\nb");
	assert_false(command.input_ended);
	read_start(&r, &fi);
	assert_true(command.input_ended);
	assert_int_equal(r.answers, 0);
	prints("2\n");
	assert_string_equal(r.text, "2\n");
	/* what is written then is a broken pipe */
	write_start(&w, &fi, "c");
	assert_int_equal(w.error, EPIPE);
	read_start(&r, &fi);
	ends(0, "");
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.len, 0);
	release(&fi);
	assert_int_equal(closed, 0);
}

static void line_without_its_end_is_run_by_the_first_read(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	struct fuse_req w, r;

	(void)state;
	write_start(&w, &fi, "ls");
	read_start(&r, &fi);
	assert_string_equal(line, "ls");
	release(&fi);
	assert_int_equal(r.error, EIO);
	assert_int_equal(closed, 1);
}

static void read_before_any_write_is_the_end(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	struct fuse_req r;

	(void)state;
	read_start(&r, &fi);
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.len, 0);
	assert_int_equal(started, 0);
	release(&fi);
}

static void write_waits_for_room_and_can_be_interrupted(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	struct fuse_req a, b;

	(void)state;
	write_start(&a, &fi, "cat\n");
	command.room = 3;
	write_start(&a, &fi, "12345");
	write_start(&b, &fi, "6");
	assert_int_equal(a.answers + b.answers, 0);
	assert_string_equal(input, "123");
	interrupt(&a);
	assert_int_equal(a.len, 3);
	command.room = 10;
	command.ops->writable(command.data);
	assert_int_equal(b.len, 1);
	assert_string_equal(input, "1236");
	/* nothing has been taken of this one */
	command.room = command.taken;
	write_start(&a, &fi, "7");
	interrupt(&a);
	assert_int_equal(a.error, EINTR);
	release(&fi);
}

static void nonblocking_calls_say_eagain(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR | O_NONBLOCK);
	struct fuse_pollhandle ph = { 0 };
	struct fuse_req req;

	(void)state;
	write_start(&req, &fi, "cat\n");
	read_start(&req, &fi);
	assert_int_equal(req.error, EAGAIN);
	enter_file_poll(&req, &fi, &ph);
	assert_false(req.revents & POLLIN);
	prints("x");
	assert_int_equal(ph.notified, 1);
	assert_int_equal(ph.destroyed, 1);
	enter_file_poll(&req, &fi, NULL);
	assert_true(req.revents & POLLIN);
	read_start(&req, &fi);
	assert_string_equal(req.text, "x");
	release(&fi);
}

static void output_that_nobody_reads_holds_the_command(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	char much[4096];
	struct fuse_req req;

	(void)state;
	memset(much, 'y', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	write_start(&req, &fi, "yes\n");
	for (int i = 0; i < 100 && !command.held; i++)
		prints(much);
	assert_true(command.held);
	for (int i = 0; i < 2000 && command.held; i++)
		read_start(&req, &fi);
	assert_false(command.held);
	release(&fi);
}

static void lost_command_is_an_error_after_its_output(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	struct fuse_req req;

	(void)state;
	write_start(&req, &fi, "ls\n");
	prints("half");
	ends(-ECONNRESET, "the connection was lost");
	read_start(&req, &fi);
	assert_string_equal(req.text, "half");
	read_start(&req, &fi);
	assert_int_equal(req.error, EIO);
	release(&fi);
}

static void refused_command_is_its_errno(void **state)
{
	struct fuse_file_info fi = open_file(EXEC, O_RDWR);
	struct fuse_req req;

	(void)state;
	refusal = EACCES;
	write_start(&req, &fi, "ls\n");
	assert_int_equal(req.len, 3);
	read_start(&req, &fi);
	assert_int_equal(req.error, EACCES);
	release(&fi);
}

static void opener_that_has_gone_ends_the_file(void **state)
{
	(void)state;
	opener_gone = 1;
	open_file(STDIN, O_WRONLY);
	assert_int_equal(started, 1);
	assert_non_null(timer); /* kept for the next one */
}

/* ---- stdin ---- */

static void close_of_stdin_waits_until_all_is_on_its_way(void **state)
{
	struct fuse_file_info fi = open_file(STDIN, O_WRONLY);
	struct fuse_req req;

	(void)state;
	assert_string_equal(line, "attach");
	command.drained = false;
	write_start(&req, &fi, "hello\n");
	flush_start(&req, &fi);
	assert_int_equal(req.answers, 0);
	command.drained = true;
	command.ops->writable(command.data);
	assert_int_equal(req.answers, 1);
	assert_int_equal(req.error, 0);
	/* or for 2 s */
	command.drained = false;
	flush_start(&req, &fi);
	timer->fire(timer);
	assert_int_equal(req.error, ETIMEDOUT);
	release(&fi);
}

static void stdin_is_for_writing_alone(void **state)
{
	(void)state;
	open_file(STDIN, O_RDWR);
	assert_int_equal(errno, EACCES);
	assert_int_equal(started, 0);
}

static void next_open_of_stdin_takes_the_same_connection(void **state)
{
	struct fuse_file_info fi = open_file(STDIN, O_WRONLY);
	struct fuse_req req;

	(void)state;
	release(&fi);
	assert_int_equal(finished, 0);
	fi = open_file(STDIN, O_WRONLY);
	write_start(&req, &fi, "x");
	assert_string_equal(input, "x");
	assert_int_equal(started, 1);
	release(&fi);
	struct ws_timer *expiry = timer;
	timer = NULL;
	expiry->fire(expiry);
	assert_int_equal(finished, 1);
	fi = open_file(STDIN, O_WRONLY);
	assert_int_equal(started, 2);
	release(&fi);
}

static void stdin_of_a_node_that_was_lost_is_an_error(void **state)
{
	struct fuse_file_info fi = open_file(STDIN, O_WRONLY);
	struct fuse_req req;

	(void)state;
	ends(0, "");
	write_start(&req, &fi, "x");
	assert_int_equal(req.error, EIO);
	flush_start(&req, &fi);
	assert_int_equal(req.error, EIO);
	release(&fi);
}

static void stdin_of_a_process_that_has_ended_is_a_broken_pipe(void **state)
{
	struct fuse_file_info fi = open_file(STDIN, O_WRONLY);
	struct fuse_req req;

	(void)state;
	main_has_ended = true;
	ends(0, "");
	write_start(&req, &fi, "x");
	assert_int_equal(req.error, EPIPE);
	release(&fi);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(first_line_is_the_command_and_the_rest_its_input),
		TEST(line_without_its_end_is_run_by_the_first_read),
		TEST(read_before_any_write_is_the_end),
		TEST(write_waits_for_room_and_can_be_interrupted),
		TEST(nonblocking_calls_say_eagain),
		TEST(output_that_nobody_reads_holds_the_command),
		TEST(lost_command_is_an_error_after_its_output),
		TEST(refused_command_is_its_errno),
		TEST(opener_that_has_gone_ends_the_file),
		TEST(close_of_stdin_waits_until_all_is_on_its_way),
		TEST(stdin_is_for_writing_alone),
		TEST(next_open_of_stdin_takes_the_same_connection),
		TEST(stdin_of_a_node_that_was_lost_is_an_error),
		TEST(stdin_of_a_process_that_has_ended_is_a_broken_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
