/* SPDX-License-Identifier: Apache-2.0 */
/* weaverfs [-f] [-d] [-o OPTIONS] [SOURCE] MOUNTPOINT, as mount(8) and people write it. */
#include "fs/config/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "fs/config/config.h"
#include "k8s/base/cleanup.h"

static void usage(FILE *to)
{
	fputs("usage: weaverfs [-f] [-d] [-o OPTIONS] [SOURCE] MOUNTPOINT\n", to);
}

static void help(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	usage(stdout);
	puts("Mounts one Kubernetes namespace of weavers as a directory: mkdir creates a pod, rmdir\n"
	     "deletes it.\n\n"
	     "SOURCE     a kubeconfig's path, a context's name, or kubesim (a simulated cluster that\n"
	     "           ends with the mount); left out: $KUBECONFIG, /etc/rancher/k3s/k3s.yaml,\n"
	     "           ~/.kube/config, in-cluster, the first that exists\n"
	     "  -f       stay in the foreground\n"
	     "  -d       the same, and log everything\n"
	     "  -o LIST  settings and mount options, with commas between\n"
	     "  --settings  print the settings as they would be in force, with where each is from\n"
	     "  --pod    print the pod that a bare mkdir would ask for, as JSON\n"
	     "  --help, --version\n");
	config_help(&text);
	fputs(buf_str(&text), stdout);
}

int arguments_parse(struct arguments *a, int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
					       { "settings", no_argument, NULL, 'S' },
					       { "pod", no_argument, NULL, 'P' },
					       { "version", no_argument, NULL, 'V' },
					       { 0 } };

	for (int c; (c = getopt_long(argc, argv, "fdo:hV", longs, NULL)) != -1;) {
		if (c == 'f') {
			a->foreground = true;
		} else if (c == 'd') {
			a->foreground = a->debug = true;
		} else if (c == 'o') {
			buf_printf(&a->options, "%s%s", a->options.len ? "," : "", optarg);
		} else if (c == 'S') {
			a->show_settings = true;
		} else if (c == 'P') {
			a->show_pod = true;
		} else if (c == 'h') {
			help();
			return 0;
		} else if (c == 'V') {
			puts("weaverfs " WEAVERFS_VERSION);
			return 0;
		} else {
			usage(stderr);
			return 2;
		}
	}
	if (a->show_settings || a->show_pod)
		return -1;
	if (argc - optind < 1 || argc - optind > 2) {
		usage(stderr);
		return 2;
	}
	a->mountpoint = argv[argc - 1];
	/* fstab has to write something in its first column */
	if (argc - optind == 2 && strcmp(argv[optind], "none") != 0)
		a->source = argv[optind];
	return -1;
}

void arguments_done(struct arguments *a)
{
	buf_done(&a->options);
}
