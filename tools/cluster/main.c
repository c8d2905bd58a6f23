/* SPDX-License-Identifier: Apache-2.0 */
/* weaver-cluster: started by `weaver doctor` and `weaver setup`; see cluster.h. */
#include <stdio.h>
#include <string.h>

#include "k8s/base/log.h"
#include "tools/cluster/cluster.h"
#include "tools/cmd.h"

int main(int argc, char **argv)
{
	int status = CMD_EXIT_USAGE;

	log_init(&(struct log_options){ .program = "weaver", .level = LOG_LEVEL_ERROR });
	if (argc > 1 && strcmp(argv[1], "doctor") == 0)
		status = doctor_run(argc - 1, argv + 1);
	else if (argc > 1 && strcmp(argv[1], "setup") == 0)
		status = setup_run(argc - 1, argv + 1);
	else
		complain_that("weaver-cluster is started by weaver doctor and weaver setup");
	if (fflush(stdout) == EOF && status == 0)
		status = CMD_EXIT_FAILED;
	return status;
}
