/* SPDX-License-Identifier: Apache-2.0 */
/* See validate.h. */
#include "tools/kubesim/validate.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/quantity.h"

#define LABEL_RULE                                                                                 \
	"a valid label must be an empty string or consist of alphanumeric "                        \
	"characters, '-', '_' or '.', and must start and end with an alphanumeric "                \
	"character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "                  \
	"validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
#define KEY_RULE                                                                                   \
	"name part must consist of alphanumeric characters, '-', '_' or '.', and "                 \
	"must start and end with an alphanumeric character (e.g. 'MyName',  or "                   \
	"'my.name',  or '123-abc', regex used for validation is "                                  \
	"'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define SUBDOMAIN_RULE                                                                             \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "                  \
	"characters, '-' or '.', and must start and end with an alphanumeric "                     \
	"character (e.g. 'example.com', regex used for validation is "                             \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define DNS_LABEL_RULE                                                                             \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric "                      \
	"characters or '-', and must start and end with an alphanumeric character "                \
	"(e.g. 'my-name',  or '123-abc', regex used for validation is "                            \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define ANNOTATIONS_MAX (256 * 1024)

void validate_done(struct validation *v)
{
	cJSON_Delete(v->causes);
	v->causes = NULL;
	buf_done(&v->messages);
}

void validate_add(struct validation *v, const char *type, const char *field, const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf what = BUF_INIT;
	char reason[48];
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&what, fmt, ap);
	va_end(ap);
	snprintf(reason, sizeof(reason), "FieldValue%s", type);
	if (!v->causes)
		v->causes = cJSON_CreateArray();
	cJSON *cause = cJSON_CreateObject();
	cJSON_AddStringToObject(cause, "reason", reason);
	cJSON_AddStringToObject(cause, "message", buf_str(&what));
	cJSON_AddStringToObject(cause, "field", field);
	cJSON_AddItemToArray(v->causes, cause);
	buf_printf(&v->messages, "%s%s: %s", v->messages.len ? ", " : "", field, buf_str(&what));
}

bool validate_reply(struct validation *v, struct request *r, const struct kind *k, const char *name)
{
	int n = cJSON_GetArraySize(v->causes);
	if (n == 0)
		return false;
	reply_status(r,
		     &(struct reply_status){ .code = 422,
					     .reason = "Invalid",
					     .kind = k->kind,
					     .name = name,
					     .group = k->group,
					     .causes = move_ptr(&v->causes) },
		     n > 1 ? "%s \"%s\" is invalid: [%s]" : "%s \"%s\" is invalid: %s", k->kind,
		     name, buf_str(&v->messages));
	return true;
}

/* ---- words ---- */

static bool word_ok(const char *s, size_t n, const char *inner, bool upper)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		bool alnum = isdigit(c) || islower(c) || (upper && isupper(c));
		bool edge = i == 0 || i == n - 1;
		if (!alnum && (edge || !strchr(inner, c)))
			return false;
	}
	return n > 0;
}

static bool subdomain_ok(const char *s)
{
	while (true) {
		size_t n = strcspn(s, ".");
		if (!word_ok(s, n, "-", false))
			return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

static void check_dns_label(struct validation *v, const char *field, const char *value)
{
	if (strlen(value) > 63)
		validate_add(v, "Invalid", field,
			     "Invalid value: \"%s\": must be no more than 63 bytes", value);
	if (!word_ok(value, strlen(value), "-", false))
		validate_add(v, "Invalid", field, "Invalid value: \"%s\": " DNS_LABEL_RULE, value);
}

static void check_key(struct validation *v, const char *field, const char *key)
{
	const char *slash = strchr(key, '/');
	const char *name = slash ? slash + 1 : key;
	char prefix[256] = "";
	if (slash)
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(slash - key), key);
	if (slash && !subdomain_ok(prefix))
		validate_add(v, "Invalid", field,
			     "Invalid value: \"%s\": prefix part " SUBDOMAIN_RULE, key);
	if (!name[0])
		validate_add(v, "Invalid", field,
			     "Invalid value: \"%s\": name part must be non-empty", key);
	else if (strlen(name) > 63)
		validate_add(v, "Invalid", field,
			     "Invalid value: \"%s\": name part must be no more than 63 bytes", key);
	if (!word_ok(name, strlen(name), "-_.", true))
		validate_add(v, "Invalid", field, "Invalid value: \"%s\": " KEY_RULE, key);
}

static void check_labels(struct validation *v, const cJSON *labels)
{
	cJSON *label;
	cJSON_ArrayForEach(label, labels) {
		const char *value = label->valuestring ? label->valuestring : "";
		check_key(v, "metadata.labels", label->string);
		if (strlen(value) > 63)
			validate_add(v, "Invalid", "metadata.labels",
				     "Invalid value: \"%s\": must be no more than 63 bytes", value);
		if (value[0] && !word_ok(value, strlen(value), "-_.", true))
			validate_add(v, "Invalid", "metadata.labels",
				     "Invalid value: \"%s\": " LABEL_RULE, value);
	}
}

void validate_metadata(struct validation *v, const struct kind *k, const cJSON *json)
{
	const char *name = json_str_or(json, "metadata.name", "");
	if (!name[0])
		validate_add(v, "Required", "metadata.name",
			     "Required value: name or generateName is required");
	else if (kind_is(k, KIND_NAMESPACE))
		check_dns_label(v, "metadata.name", name);
	else if (strlen(name) > 253)
		validate_add(v, "Invalid", "metadata.name",
			     "Invalid value: \"%s\": must be no more than 253 bytes", name);
	else if (!subdomain_ok(name) && !k->group[0])
		validate_add(v, "Invalid", "metadata.name",
			     "Invalid value: \"%s\": " SUBDOMAIN_RULE, name);
	check_labels(v, json_at(json, "metadata.labels"));
	size_t total = 0;
	cJSON *a;
	cJSON_ArrayForEach(a, json_at(json, "metadata.annotations")) {
		check_key(v, "metadata.annotations", a->string);
		total += strlen(a->string) + (a->valuestring ? strlen(a->valuestring) : 0);
	}
	if (total > ANNOTATIONS_MAX)
		validate_add(v, "TooLong", "metadata.annotations",
			     "Too long: may not be more than %d bytes", ANNOTATIONS_MAX);
}

/* ---- pods ---- */

static void check_resources(struct validation *v, const char *field, const cJSON *resources)
{
	char path[160];
	cJSON *request;
	cJSON_ArrayForEach(request, json_at(resources, "requests")) {
		const char *limit = json_member(json_at(resources, "limits"), request->string);
		int64_t want, most;
		if (!limit || !request->valuestring ||
		    quantity_parse_milli(request->valuestring, &want, NULL) < 0 ||
		    quantity_parse_milli(limit, &most, NULL) < 0 || want <= most)
			continue;
		snprintf(path, sizeof(path), "%s.resources.requests", field);
		validate_add(v, "Invalid", path,
			     "Invalid value: \"%s\": must be less than or equal to %s limit of %s",
			     request->valuestring, request->string, limit);
	}
}

static void check_env(struct validation *v, const char *field, const cJSON *env)
{
	char path[160];
	cJSON *one;
	int i = 0;
	cJSON_ArrayForEach(one, env) {
		const char *name = json_str_or(one, "name", "");
		snprintf(path, sizeof(path), "%s.env[%d].name", field, i++);
		bool printable = true;
		for (const char *p = name; *p; p++)
			printable = printable && *p >= ' ' && *p <= '~' && *p != '=';
		if (!name[0])
			validate_add(v, "Required", path, "Required value");
		else if (!printable)
			validate_add(
				v, "Invalid", path,
				"Invalid value: \"%s\": a valid environment variable name must "
				"consist only of printable ASCII characters other than '='",
				name);
	}
}

static void check_mounts(struct validation *v, const char *field, const cJSON *container,
			 const cJSON *volumes)
{
	char path[160];
	cJSON *mount;
	int i = 0;
	cJSON_ArrayForEach(mount, json_at(container, "volumeMounts")) {
		const char *name = json_str_or(mount, "name", "");
		snprintf(path, sizeof(path), "%s.volumeMounts[%d].name", field, i++);
		if (!json_find_named(volumes, name))
			validate_add(v, "NotFound", path, "Not found: \"%s\"", name);
	}
}

static void check_container(struct validation *v, const char *field, const cJSON *c, bool init,
			    const cJSON *pod)
{
	char path[160];
	const char *name = json_str_or(c, "name", ""), *image = json_str_or(c, "image", "");
	const char *restart = json_str(c, "restartPolicy");
	snprintf(path, sizeof(path), "%s.name", field);
	if (!name[0])
		validate_add(v, "Required", path, "Required value");
	else
		check_dns_label(v, path, name);
	snprintf(path, sizeof(path), "%s.image", field);
	if (!image[0])
		validate_add(v, "Required", path, "Required value");
	else if (isspace((unsigned char)image[0]) ||
		 isspace((unsigned char)image[strlen(image) - 1]))
		validate_add(v, "Invalid", path,
			     "Invalid value: \"%s\": must not have leading or trailing whitespace",
			     image);
	snprintf(path, sizeof(path), "%s.restartPolicy", field);
	if (restart && !init)
		validate_add(v, "Forbidden", path,
			     "Forbidden: may not be set for non-init containers");
	else if (restart && strcmp(restart, "Always") != 0)
		validate_add(v, "NotSupported", path,
			     "Unsupported value: \"%s\": supported values: \"Always\"", restart);
	check_resources(v, field, json_at(c, "resources"));
	check_env(v, field, json_at(c, "env"));
	check_mounts(v, field, c, json_at(pod, "spec.volumes"));
}

static void check_containers(struct validation *v, const cJSON *pod, const char *list, bool init)
{
	char field[64], path[96];
	const cJSON *all = json_at(json_at(pod, "spec"), list);
	cJSON *c;
	int i = 0;
	cJSON_ArrayForEach(c, all) {
		const char *name = json_str_or(c, "name", "");
		snprintf(field, sizeof(field), "spec.%s[%d]", list, i++);
		check_container(v, field, c, init, pod);
		if (name[0] && (json_find_named(all, name) != c ||
				(init && json_find_named(json_at(pod, "spec.containers"), name)))) {
			snprintf(path, sizeof(path), "%s.name", field);
			validate_add(v, "Duplicate", path, "Duplicate value: \"%s\"", name);
		}
	}
	if (i == 0 && !init)
		validate_add(v, "Required", "spec.containers", "Required value");
}

void validate_pod(struct validation *v, const cJSON *pod)
{
	check_containers(v, pod, "initContainers", true);
	check_containers(v, pod, "containers", false);
	const char *hostname = json_str_or(pod, "spec.hostname", "");
	if (hostname[0])
		check_dns_label(v, "spec.hostname", hostname);
	const char *policy = json_str_or(pod, "spec.restartPolicy", "Always");
	if (strcmp(policy, "Always") != 0 && strcmp(policy, "OnFailure") != 0 &&
	    strcmp(policy, "Never") != 0)
		validate_add(v, "NotSupported", "spec.restartPolicy",
			     "Unsupported value: \"%s\": supported values: \"Always\", "
			     "\"OnFailure\", \"Never\"",
			     policy);
	int64_t deadline = json_int(pod, "spec.activeDeadlineSeconds", 1);
	if (deadline < 1 || deadline > INT32_MAX)
		validate_add(v, "Invalid", "spec.activeDeadlineSeconds",
			     "Invalid value: %lld: must be between 1 and 2147483647, inclusive",
			     (long long)deadline);
}

/* The spec without what may change: images, activeDeadlineSeconds, tolerations. */
static cJSON *spec_frozen(const cJSON *pod)
{
	cJSON *spec = cJSON_Duplicate(json_at(pod, "spec"), true);
	static const char *const lists[] = { "containers", "initContainers" };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cJSON *c;
		cJSON_ArrayForEach(c, json_at(spec, lists[i]))
			cJSON_DeleteItemFromObjectCaseSensitive(c, "image");
	}
	cJSON_DeleteItemFromObjectCaseSensitive(spec, "activeDeadlineSeconds");
	cJSON_DeleteItemFromObjectCaseSensitive(spec, "tolerations");
	return spec;
}

void validate_pod_update(struct validation *v, const cJSON *before, const cJSON *after)
{
	_cleanup_(cJSON_Deletep) cJSON *a = spec_frozen(before);
	_cleanup_(cJSON_Deletep) cJSON *b = spec_frozen(after);
	if (!cJSON_Compare(a, b, true))
		validate_add(v, "Forbidden", "spec",
			     "Forbidden: pod updates may not change fields other than "
			     "`spec.containers[*].image`,`spec.initContainers[*].image`,"
			     "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
			     "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it "
			     "to be set to 1 if it was previously negative)");
	const char *field = "spec.activeDeadlineSeconds";
	int64_t was = json_int(before, field, -1), is = json_int(after, field, -1);
	if (was >= 0 && is < 0)
		validate_add(
			v, "Invalid", field,
			"Invalid value: null: must not update from a positive integer to nil value");
	else if (was >= 0 && is > was)
		validate_add(v, "Invalid", field,
			     "Invalid value: %lld: must be less than or equal to previous value",
			     (long long)is);
}
