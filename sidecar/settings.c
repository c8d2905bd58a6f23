/* SPDX-License-Identifier: Apache-2.0 */
/* One table: name, kind, default, bounds, help. */
#include "sidecar/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/base/quantity.h"

enum kind { TEXT, NUMBER, BYTES, RATE, LEVEL, SWITCH };

struct setting {
	const char *name;
	enum kind kind;
	size_t at;         /* in struct settings */
	const char *value; /* default */
	int64_t low, high;
	const char *help;
};

/* clang-format off */
#define AT(member) offsetof(struct settings, member)
static const struct setting table[] = {
	{ "LOOM_WEAVER_ID", TEXT, AT(weaver_id), "", 0, 0, "in each record" },
	{ "LOOM_ORG_ID", TEXT, AT(org_id), "", 0, 0, "in each record" },
	{ "LOOM_OWNER_USER_ID", TEXT, AT(owner_user_id), "", 0, 0, "in each record" },
	{ "LOOM_POD_NAME", TEXT, AT(pod_name), "", 0, 0, "in the audit_start record" },
	{ "LOOM_POD_NAMESPACE", TEXT, AT(pod_namespace), "", 0, 0, "in the audit_start record" },
	{ "LOOM_SERVER_URL", TEXT, AT(server_url), "", 0, 0, "where records are posted to, at /internal/weaver-audit/events; empty: nowhere" },
	{ "LOOM_AUDIT_TOKEN_PATH", TEXT, AT(token_path), "/run/secrets/loom/token", 0, 0, "bearer token: a file, or a directory with a file `token`; read again for each request" },
	{ "LOOM_AUDIT_CA_PATH", TEXT, AT(ca_path), "/run/secrets/loom/ca", 0, 0, "certificates to trust: a PEM file, or a directory with `ca.crt`" },
	{ "LOOM_AUDIT_ALLOW_INSECURE_HTTP", SWITCH, AT(allow_insecure_http), "0", 0, 1, "1: LOOM_SERVER_URL may be http" },
	{ "LOOM_AUDIT_BATCH_INTERVAL_MS", NUMBER, AT(batch_interval_ms), "100", 10, 60000, "how often the probes are drained" },
	{ "LOOM_AUDIT_BUFFER_PATH", TEXT, AT(buffer_path), "/var/lib/audit", 0, 0, "directory of the buffer" },
	{ "LOOM_AUDIT_BUFFER_MAX_BYTES", BYTES, AT(buffer_max_bytes), "268435456", 1 << 20, 1LL << 40, "bytes of the buffer in all; the oldest segment gives way" },
	{ "LOOM_AUDIT_METRICS_PORT", NUMBER, AT(metrics_port), "9090", 1, 65535, "/metrics" },
	{ "LOOM_AUDIT_HEALTH_PORT", NUMBER, AT(health_port), "9091", 1, 65535, "/health" },
	{ "LOOM_AUDIT_LOG_LEVEL", LEVEL, AT(log_level), "info", 0, 0, "error, warning, info or debug; on stderr" },
	{ "LOOM_AUDIT_FILTER_PATHS_IGNORE", TEXT, AT(paths_ignore), "", 0, 0, "comma-separated: reads below these, and writes in /workspace, are left out" },
	{ "LOOM_AUDIT_FILTER_PATHS_ALWAYS", TEXT, AT(paths_always), "", 0, 0, "comma-separated: what concerns these is never left out" },
	{ "LOOM_AUDIT_FILTER_READ_SAMPLE_RATE", RATE, AT(read_sample), "10", 1, 1000000, "1 in so many reads in /workspace is listed; 0.1 is 10; 1: all" },
	{ "LOOM_AUDIT_FILTER_RATE_LIMIT", NUMBER, AT(rate_limit), "5000", 0, 10000000, "records of a kind a second, ten times as many at once; 0: any number; executions, privileges and escapes: always" },
	{ "LOOM_AUDIT_STDOUT_BYTES", BYTES, AT(stdout_bytes), "1048576", 0, 1 << 30, "bytes a second that go to stdout; what is left out is said there" },
};
#undef AT
/* clang-format on */

static int bad(const struct setting *s, const char *value, const char *why, struct error *e)
{
	return error_set(e, EINVAL, "%s=%s: %s", s->name, value, why);
}

static int set_number(const struct setting *s, const char *value, int64_t *ret, struct error *e)
{
	char *end;

	errno = 0;
	*ret = strtoll(value, &end, 10);
	if (errno || end == value || *end)
		return bad(s, value, "no number", e);
	return 0;
}

/* 10 and 0.1 are both "one in ten". */
static int set_rate(const struct setting *s, const char *value, int64_t *ret, struct error *e)
{
	char *end;
	double rate = strtod(value, &end);

	if (end == value || *end || !(rate > 0) || rate > 1e6)
		return bad(s, value, "1 in how many, or the share that is listed", e);
	*ret = (int64_t)((rate < 1 ? 1 / rate : rate) + 0.5);
	return 0;
}

static int set_switch(const struct setting *s, const char *value, bool *ret, struct error *e)
{
	*ret = strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
	if (!*ret && strcmp(value, "0") != 0 && strcmp(value, "false") != 0)
		return bad(s, value, "1, true, 0 or false", e);
	return 0;
}

static int set_one(const struct setting *s, const char *value, void *to, struct error *e)
{
	int64_t *number = to;
	int r = 0;

	switch (s->kind) {
	case TEXT:
		*(const char **)to = value;
		return 0;
	case LEVEL:
		if (log_level_parse(value, to) < 0)
			return bad(s, value, "error, warning, info or debug", e);
		return 0;
	case SWITCH:
		return set_switch(s, value, to, e);
	case NUMBER:
		r = set_number(s, value, number, e);
		break;
	case RATE:
		r = set_rate(s, value, number, e);
		break;
	case BYTES:
		r = quantity_parse(value, number, e);
		if (r < 0)
			error_wrap(e, r, "%s=%s", s->name, value);
		break;
	}
	if (r == 0 && (*number < s->low || *number > s->high))
		r = error_set(e, EINVAL, "%s=%s: from %" PRId64 " to %" PRId64, s->name, value,
			      s->low, s->high);
	return r;
}

int settings_load(struct settings *ret, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(table); i++) {
		const char *value = getenv(table[i].name);

		if (!value || !*value)
			value = table[i].value;
		r = set_one(&table[i], value, (char *)ret + table[i].at, e);
	}
	if (r == 0 && ret->metrics_port == ret->health_port)
		r = error_set(
			e, EINVAL,
			"LOOM_AUDIT_METRICS_PORT and LOOM_AUDIT_HEALTH_PORT: both are %" PRId64,
			ret->health_port);
	return r;
}

void settings_help(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		buf_printf(out, "  %s%s%s%s\n      %s\n", table[i].name,
			   *table[i].value ? " (" : "", table[i].value, *table[i].value ? ")" : "",
			   table[i].help);
}
