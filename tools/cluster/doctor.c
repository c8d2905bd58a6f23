/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver doctor: looks at everything that a weaver needs, from the kernel up to its image, and says
 * how to mend what is wrong. It changes nothing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "k8s/cluster.h"
#include "tools/cluster/checks.h"
#include "tools/cluster/cluster.h"
#include "tools/cluster/host.h"
#include "tools/options.h"
#include "tools/text.h"

static void doctor_say_no_cluster(struct report *r, int result, const struct error *e)
{
	report_trouble(r, REPORT_BAD,
		       result == -EACCES ? TROUBLE_KUBECONFIG_MODE : TROUBLE_KUBECONFIG, "%s",
		       e->text);
}

static void doctor_ask_cluster(struct checks *c)
{
	if (!checks_server(c))
		return;
	checks_clock(c);
	if (!checks_namespace(c))
		return;
	checks_rbac_ask_all(c);
	checks_pods_quota(c);
	checks_pods_pull_secrets(c);
	checks_pods_image_name(c);
	checks_create_try(c);
	checks_pods_weavers(c);
}

static void doctor_check_cluster(struct report *r, struct settings *s, const char *source)
{
	struct checks c = { .report = r,
			    .settings = s,
			    .audit = strcmp(settings_get(s, "audit_enabled"), "true") == 0 };
	struct cluster *cluster;
	struct error e = ERROR_INIT;

	snprintf(c.namespace_, sizeof(c.namespace_), "%s", settings_get(s, "k8s_namespace"));
	r->namespace_ = c.namespace_;
	int result = settings_cluster(s, source, &cluster, &e);
	if (result < 0) {
		doctor_say_no_cluster(r, result, &e);
		return;
	}
	report_good(r, "kubeconfig", "%s, context %s", cluster_source_name(cluster),
		    cluster_context(cluster));
	if (ask_open(cluster, &c.ask, &e) < 0) {
		report_trouble(r, REPORT_BAD, TROUBLE_SERVER, "%s", e.text);
		return;
	}
	doctor_ask_cluster(&c);
	ask_close(c.ask);
}

static int doctor_examine(const char *options, const char *source)
{
	struct report r = { .namespace_ = "loom-weavers",
			    .coloured = text_coloured(STDOUT_FILENO) };
	struct settings s = { 0 };
	struct error e = ERROR_INIT;

	host_check_kernel(&r);
	host_check_fuse(&r);
	host_check_mounts(&r);
	int result = settings_load(options, &s, &e);
	if (result == 0) {
		report_good(&r, "settings", "%s", buf_str(&s.from));
		host_check_btf(&r, &s);
		doctor_check_cluster(&r, &s, source);
	} else {
		report_trouble(&r, REPORT_BAD,
			       result == -EINVAL ? TROUBLE_SETTINGS : TROUBLE_WEAVERFS, "%s",
			       e.text);
	}
	settings_done(&s);
	printf("\n%u wrong, %u to look at\n", r.bad, r.warnings);
	return r.bad > 0;
}

int doctor_run(int argc, char **argv)
{
	const char *settings = NULL;
	struct options o;

	options_begin(&o, &cmd_doctor_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key == 'l') {
			trouble_print_table(stdout);
			return 0;
		}
		if (key != 'o')
			return o.status;
		settings = o.value;
	}
	if (o.argc > 1)
		return complain_usage(o.c, "doctor: one source");
	return doctor_examine(settings, o.argc == 1 ? o.argv[0] : NULL);
}
