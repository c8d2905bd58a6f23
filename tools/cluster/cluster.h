/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs that talk to the API server, in a program of their own (weaver-cluster): `weaver`
 * itself needs the C library and nothing else: it starts fast and can be copied into containers.
 */
#pragma once

/* argv[0] is the verb. The options are those of cmd_doctor_entry and cmd_setup_entry. */
int doctor_run(int argc, char **argv);
int setup_run(int argc, char **argv);
