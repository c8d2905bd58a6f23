/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's spec to what sandbox_start() wants: the command of its image, environment with
 * references resolved, volumes as directories.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/sidecar.h"

#define PODSPEC_WORDS 512
#define PODSPEC_MOUNTS 32
#define PODSPEC_CAPS 16
#define PODSPEC_USER 1000 /* what the weaver image says, and so every image */

struct podspec {
	struct sandbox_spec sandbox;
	char *argv[PODSPEC_WORDS]; /* owned */
	size_t argc;
	char *env[PODSPEC_WORDS]; /* owned */
	size_t env_count;
	struct sandbox_mount mounts[PODSPEC_MOUNTS];
	char *sources[PODSPEC_MOUNTS]; /* owned; mounts[].source points here */
	const char *caps[PODSPEC_CAPS + 1];
	char workspace[700];
};

void podspec_free(struct podspec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->argc; i++)
		free(s->argv[i]);
	for (size_t i = 0; i < s->env_count; i++)
		free(s->env[i]);
	for (size_t i = 0; i < PODSPEC_MOUNTS; i++)
		free(s->sources[i]);
	free(s);
}

struct sandbox_spec *podspec_sandbox(struct podspec *s)
{
	return &s->sandbox;
}

/* ---- environment ---- */

static const char *env_find(const struct podspec *s, const char *name, size_t len)
{
	for (size_t i = s->env_count; i-- > 0;)
		if (strncmp(s->env[i], name, len) == 0 && s->env[i][len] == '=')
			return s->env[i] + len + 1;
	return NULL;
}

/* $(NAME) becomes the value of a variable set before, $$ a dollar; anything else stays. */
static void expand_add(const struct podspec *s, const char *text, struct buf *out)
{
	for (const char *p = text; *p; p++) {
		const char *end = p[0] == '$' && p[1] == '(' ? strchr(p, ')') : NULL;
		const char *value = end ? env_find(s, p + 2, (size_t)(end - p - 2)) : NULL;
		if (value) {
			buf_add_str(out, value);
			p = end;
		} else {
			buf_add_char(out, *p);
			if (p[0] == '$' && p[1] == '$')
				p++;
		}
	}
}

static void env_set(struct podspec *s, const char *name, const char *value)
{
	struct buf b = BUF_INIT;
	if (s->env_count + 1 >= PODSPEC_WORDS)
		return;
	buf_printf(&b, "%s=", name);
	expand_add(s, value, &b);
	s->env[s->env_count++] = buf_steal(&b);
}

/* The decoded value of a secret's key or a config map's; NULL: not there. Returns owned. */
static char *value_of(const struct object *source, const char *key)
{
	if (!source)
		return NULL;
	_cleanup_(cJSON_Deletep) cJSON *o = store_json(source);
	const char *text = json_member(json_at(o, "data"), key);
	if (!text || kind_is(source->kind, KIND_CONFIGMAP))
		return text ? strdup(text) : NULL;
	size_t n = strlen(text);
	char *plain = calloc(1, n + 4);
	int len =
		plain ? EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)text, (int)n)
		      : -1;
	if (len < 0) {
		free(plain);
		return NULL;
	}
	for (size_t i = n; i > 0 && text[i - 1] == '='; i--)
		len--; /* EVP_DecodeBlock counts the padding */
	plain[len] = '\0';
	return plain;
}

static const char *downward(const struct pod *p, const char *path, char *scratch, size_t size)
{
	char key[256];
	if (strcmp(path, "metadata.name") == 0)
		return p->object->name;
	if (strcmp(path, "metadata.namespace") == 0)
		return p->object->ns;
	if (strcmp(path, "metadata.uid") == 0)
		return p->uid;
	if (strcmp(path, "spec.nodeName") == 0)
		return LIFECYCLE_NODE;
	if (strcmp(path, "status.podIP") == 0 || strcmp(path, "status.podIPs") == 0)
		return p->ip;
	if (strcmp(path, "status.hostIP") == 0)
		return "127.0.0.1";
	bool label = sscanf(path, "metadata.labels['%255[^']']", key) == 1;
	if (!label && sscanf(path, "metadata.annotations['%255[^']']", key) != 1)
		return json_str_or(p->json, path, "");
	_cleanup_(cJSON_Deletep) cJSON *now = store_json(p->object);
	const char *value =
		json_member(json_at(now, label ? "metadata.labels" : "metadata.annotations"), key);
	snprintf(scratch, size, "%s", value ? value : "");
	return scratch;
}

static int env_reference(struct podspec *s, const struct pod *p, const char *name, const cJSON *ref,
			 enum kind_id kind, struct error *e)
{
	const char *object = json_str_or(ref, "name", ""), *key = json_str_or(ref, "key", "");
	struct object *source = store_find(&kind_table[kind], p->object->ns, object);
	_cleanup_(cleanup_free) char *value = value_of(source, key);
	if (value)
		env_set(s, name, value);
	if (value || json_true(ref, "optional"))
		return 0;
	const char *word = kind == KIND_SECRET ? "secret" : "configmap";
	if (!source)
		return error_set(e, ENOENT, "%s \"%s\" not found", word, object);
	return error_set(e, ENOENT, "couldn't find key %s in %s %s/%s", key,
			 kind == KIND_SECRET ? "Secret" : "ConfigMap", p->object->ns, object);
}

static int env_one(struct podspec *s, const struct pod *p, const cJSON *env, struct error *e)
{
	char scratch[1024];
	const char *name = json_str_or(env, "name", "");
	const cJSON *from = json_at(env, "valueFrom");
	const cJSON *secret = json_at(from, "secretKeyRef"),
		    *map = json_at(from, "configMapKeyRef");
	if (secret)
		return env_reference(s, p, name, secret, KIND_SECRET, e);
	if (map)
		return env_reference(s, p, name, map, KIND_CONFIGMAP, e);
	const char *field = json_str(from, "fieldRef.fieldPath");
	env_set(s, name,
		field ? downward(p, field, scratch, sizeof(scratch))
		      : json_str_or(env, "value", ""));
	return 0;
}

static int env_from(struct podspec *s, const struct pod *p, const cJSON *from, struct error *e)
{
	const cJSON *secret = json_at(from, "secretRef"), *map = json_at(from, "configMapRef");
	const cJSON *ref = secret ? secret : map;
	const char *name = json_str_or(ref, "name", "");
	const struct object *source =
		store_find(&kind_table[secret ? KIND_SECRET : KIND_CONFIGMAP], p->object->ns, name);
	if (!source)
		return json_true(ref, "optional")
			       ? 0
			       : error_set(e, ENOENT, "%s \"%s\" not found",
					   secret ? "secret" : "configmap", name);
	_cleanup_(cJSON_Deletep) cJSON *o = store_json(source);
	cJSON *item;
	cJSON_ArrayForEach(item, json_at(o, "data")) {
		char key[300];
		_cleanup_(cleanup_free) char *value = value_of(source, item->string);
		snprintf(key, sizeof(key), "%s%s", json_str_or(from, "prefix", ""), item->string);
		env_set(s, key, value ? value : "");
	}
	return 0;
}

static int env_fill(struct podspec *s, const struct container *c, struct error *e)
{
	env_set(s, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env_set(s, "HOSTNAME", s->sandbox.hostname);
	env_set(s, "HOME", "/workspace");
	env_set(s, "USER", "loom");
	if (s->sandbox.tty)
		env_set(s, "TERM", "xterm-256color");
	cJSON *item;
	cJSON_ArrayForEach(item, json_at(c->spec, "envFrom")) {
		int r = env_from(s, c->pod, item, e);
		if (r < 0)
			return r;
	}
	cJSON_ArrayForEach(item, json_at(c->spec, "env")) {
		int r = env_one(s, c->pod, item, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- volumes ---- */

static void file_put(const char *dir, const char *name, const char *text)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

/* Where a volume lives on the host, made when it is not there yet. Returns owned; NULL: hostPath
 * that does not exist, or a kind of volume there is none of here. */
static char *volume_source(const struct pod *p, const cJSON *volume)
{
	const char *host = json_str(volume, "hostPath.path");
	if (host)
		return access(host, F_OK) == 0 ? strdup(host) : NULL;
	char *dir;
	if (asprintf(&dir, "%s/volumes/%s", p->dir, json_str_or(volume, "name", "")) < 0)
		return NULL;
	if (mkdir(dir, 0777) == 0)
		chmod(dir, 0777);
	const char *secret = json_str(volume, "secret.secretName");
	const char *map = json_str(volume, "configMap.name");
	const struct object *source =
		store_find(&kind_table[secret ? KIND_SECRET : KIND_CONFIGMAP], p->object->ns,
			   secret ? secret
			   : map  ? map
				  : "");
	_cleanup_(cJSON_Deletep) cJSON *o = source && (secret || map) ? store_json(source) : NULL;
	cJSON *item;
	cJSON_ArrayForEach(item, json_at(o, "data")) {
		_cleanup_(cleanup_free) char *value = value_of(source, item->string);
		file_put(dir, item->string, value ? value : "");
	}
	return dir;
}

static void mounts_fill(struct podspec *s, const struct container *c)
{
	size_t n = 0;
	cJSON *mount;
	cJSON_ArrayForEach(mount, json_at(c->spec, "volumeMounts")) {
		const cJSON *volume = json_find_named(json_at(c->pod->json, "spec.volumes"),
						      json_str_or(mount, "name", ""));
		if (n == PODSPEC_MOUNTS || !volume)
			continue;
		char *source = volume_source(c->pod, volume);
		if (!source)
			continue;
		s->sources[n] = source;
		s->mounts[n++] =
			(struct sandbox_mount){ source, json_str_or(mount, "mountPath", "/none"),
						json_true(mount, "readOnly") ||
							json_at(volume, "secret") ||
							json_at(volume, "configMap") };
	}
	const char *binary = c->private_network ? sidecar_binary(NULL) : NULL;
	if (binary && n < PODSPEC_MOUNTS)
		s->mounts[n++] = (struct sandbox_mount){ binary, SIDECAR_PROGRAM, true };
	s->sandbox.mounts = s->mounts;
	s->sandbox.mount_count = n;
}

bool podspec_volumes_ready(const struct pod *p, char *why, size_t size)
{
	cJSON *volume;
	cJSON_ArrayForEach(volume, json_at(p->json, "spec.volumes")) {
		const char *secret = json_str(volume, "secret.secretName");
		const char *map = json_str(volume, "configMap.name");
		bool optional = json_true(volume, "secret.optional") ||
				json_true(volume, "configMap.optional");
		if ((!secret && !map) || optional ||
		    store_find(&kind_table[secret ? KIND_SECRET : KIND_CONFIGMAP], p->object->ns,
			       secret ? secret : map))
			continue;
		snprintf(why, size,
			 "MountVolume.SetUp failed for volume \"%s\" : %s \"%s\" not found",
			 json_str_or(volume, "name", ""), secret ? "secret" : "configmap",
			 secret ? secret : map);
		return false;
	}
	return true;
}

/* ---- command ---- */

static void word(struct podspec *s, const char *text)
{
	struct buf b = BUF_INIT;
	if (s->argc + 1 >= PODSPEC_WORDS)
		return;
	expand_add(s, text, &b);
	s->argv[s->argc++] = buf_steal(&b);
}

static void words(struct podspec *s, const cJSON *list)
{
	cJSON *item;
	cJSON_ArrayForEach(item, list)
		word(s, item->valuestring ? item->valuestring : "");
}

static void shell(struct podspec *s, const char *script)
{
	word(s, "sh");
	word(s, "-c");
	word(s, script);
}

static bool image_is(const char *image, const char *prefix)
{
	size_t n = strlen(prefix);
	for (const char *p = image; (p = strstr(p, prefix)); p += n)
		if (p == image || p[-1] == '/')
			return true;
	return false;
}

/* The image decides what runs when the spec does not. */
static void command_fill(struct podspec *s, struct container *c)
{
	const char *image = json_str_or(c->spec, "image", "");
	const cJSON *command = json_at(c->spec, "command"), *args = json_at(c->spec, "args");
	if (image_is(image, "crash/")) {
		shell(s, "echo 'crashing, as this image does' >&2; exit 1");
	} else if (image_is(image, "oom/")) {
		shell(s, "echo 'eating memory'; sleep 0.2; exit 137");
	} else if (cJSON_GetArraySize(command) > 0) {
		words(s, command);
		words(s, args);
	} else if (strstr(image, "audit-sidecar")) {
		c->stand_in = !sidecar_binary(NULL);
		c->private_network = s->sandbox.private_network = !c->stand_in;
		if (c->stand_in)
			shell(s, "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done");
		else
			word(s, SIDECAR_PROGRAM);
		if (!c->stand_in)
			words(s, args);
	} else if (cJSON_GetArraySize(args) > 0) {
		words(s, args);
	} else {
		s->sandbox.tty = true; /* a login shell without one would end at once */
		shell(s, "echo weaver ready; exec bash -l");
	}
}

static void security_fill(struct podspec *s, const struct container *c)
{
	const cJSON *own = json_at(c->spec, "securityContext");
	const cJSON *pod = json_at(c->pod->json, "spec.securityContext");
	int64_t uid = json_int(own, "runAsUser", json_int(pod, "runAsUser", PODSPEC_USER));
	s->sandbox.uid = (uid_t)uid;
	s->sandbox.gid = (gid_t)json_int(own, "runAsGroup", json_int(pod, "runAsGroup", uid));
	size_t n = 0;
	cJSON *cap;
	cJSON_ArrayForEach(cap, json_at(own, "capabilities.add"))
		if (n < PODSPEC_CAPS && cap->valuestring)
			s->caps[n++] = cap->valuestring;
	s->sandbox.capabilities = s->caps;
}

int podspec_new(struct container *c, struct podspec **ret, struct error *e)
{
	_cleanup_(podspec_freep) struct podspec *s = calloc(1, sizeof(*s));
	if (!s)
		return error_oom(e);
	const struct pod *p = c->pod;
	s->sandbox = (struct sandbox_spec){
		.hostname = json_str_or(p->json, "spec.hostname", p->object->name),
		.cwd = json_str_or(c->spec, "workingDir", "/workspace"),
		.hidden = lifecycle_state_dir(),
		.tty = json_true(c->spec, "tty"),
		.open_stdin = json_true(c->spec, "stdin"),
		.workspace = s->workspace,
		.argv = s->argv,
		.env = s->env,
	};
	security_fill(s, c);
	if (s->sandbox.uid == 0 && json_true(json_at(c->spec, "securityContext"), "runAsNonRoot"))
		return error_set(
			e, EPERM,
			"container's runAsUser breaks non-root policy (pod: \"%s_%s(%s)\", "
			"container: %s)",
			p->object->name, p->object->ns, p->uid, c->name);
	snprintf(s->workspace, sizeof(s->workspace), "%s/%s.workspace", p->dir, c->name);
	if (mkdir(s->workspace, 0755) == 0 && geteuid() == 0 &&
	    chown(s->workspace, s->sandbox.uid, s->sandbox.gid) < 0)
		return error_set(e, errno, "%s: %s", s->workspace, strerror(errno));
	int r = env_fill(s, c, e);
	if (r < 0)
		return r;
	command_fill(s, c);
	mounts_fill(s, c);
	*ret = move_ptr(&s);
	return 0;
}
