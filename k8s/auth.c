/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: read, checked, kept fresh, and explained when the server refuses them. The API
 * server says the same bare "Unauthorized" to garbage, to an expired token and to a certificate of an
 * unknown CA (the TLS handshake succeeds with it), so what is wrong is worked out here.
 */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/cluster_private.h"
#include "k8s/exec_plugin.h"
#include "k8s/pem.h"

#define AUTH_FILE_MAX (16U << 20)
/* Service account tokens are rotated under the same name; client-go reads them once a minute. */
#define AUTH_TOKEN_AGE_NS (60 * CLOCK_NS_PER_S)

static void auth_pem_done(struct auth_pem *p)
{
	if (p->text)
		OPENSSL_cleanse(p->text, strlen(p->text));
	free(p->text);
	free(p->origin);
	*p = (struct auth_pem){ 0 };
}

void auth_done(struct auth *a)
{
	auth_pem_done(&a->ca);
	auth_pem_done(&a->cert);
	auth_pem_done(&a->key);
	free(a->user);
	free(a->source);
	if (a->token)
		OPENSSL_cleanse(a->token, strlen(a->token));
	free(a->token);
	free(a->token_origin);
	free(a->token_file);
	exec_plugin_free(a->exec);
	*a = (struct auth){ 0 };
}

/* "mode 0640, owner root:loom-k3s" */
static void auth_describe_owner(const struct stat *st, struct buf *out)
{
	char names[2048];
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;

	buf_printf(out, "mode %04o, owner ", (unsigned)st->st_mode & 07777);
	if (getpwuid_r(st->st_uid, &pw, names, sizeof(names), &user) == 0 && user)
		buf_add_str(out, user->pw_name);
	else
		buf_printf(out, "%u", st->st_uid);
	buf_add_char(out, ':');
	if (getgrgid_r(st->st_gid, &gr, names, sizeof(names), &group) == 0 && group)
		buf_add_str(out, group->gr_name);
	else
		buf_printf(out, "%u", st->st_gid);
}

static void auth_advise(const struct stat *st, mode_t group_bit, struct buf *out)
{
	char names[2048];
	struct group gr, *group = NULL;

	if ((st->st_mode & group_bit) &&
	    getgrgid_r(st->st_gid, &gr, names, sizeof(names), &group) == 0 && group)
		buf_printf(out,
			   "; join group %s (usermod -aG %s USER, and log in again; in a unit: "
			   "SupplementaryGroups=%s)",
			   group->gr_name, group->gr_name, group->gr_name);
	else
		buf_add_str(out, "; only its owner may: give a group the right to read it (k3s: "
				 "--write-kubeconfig-mode 0640 --write-kubeconfig-group GROUP)");
}

/* EACCES on path: the file itself, or the first directory on the way that may not be searched. */
static int auth_refused(const char *path, struct error *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;
	_cleanup_(cleanup_free) char *dir = strdup(path);
	struct stat st;

	if (!dir)
		return error_oom(e);
	if (stat(path, &st) == 0) {
		auth_describe_owner(&st, &why);
		auth_advise(&st, S_IRGRP, &why);
		return error_set(e, EACCES, "%s cannot be read: %s", path, buf_str(&why));
	}
	for (char *slash = strrchr(dir, '/'); slash && slash != dir; slash = strrchr(dir, '/')) {
		*slash = '\0';
		if (stat(dir, &st) < 0)
			continue;
		auth_describe_owner(&st, &why);
		auth_advise(&st, S_IXGRP, &why);
		return error_set(e, EACCES,
				 "%s cannot be read: its directory %s may not be searched: %s",
				 path, dir, buf_str(&why));
	}
	return error_set(e, EACCES, "%s cannot be read: %s", path, strerror(EACCES));
}

int auth_read_file(const char *path, struct buf *out, struct error *e)
{
	_cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EACCES)
		return auth_refused(path, e);
	if (fd < 0)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	for (;;) {
		if (buf_reserve(out, 4096) < 0)
			return error_oom(e);
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(e, errno, "%s: %s", path, strerror(errno));
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > AUTH_FILE_MAX)
			return error_set(e, EFBIG, "%s: over 16 MiB, surely not what is meant",
					 path);
	}
	out->data[out->len] = '\0';
	return 0;
}

static bool auth_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int auth_set_token(struct auth *a, const char *text, const char *origin, struct error *e)
{
	while (auth_is_blank(*text))
		text++;
	size_t len = strlen(text);
	while (len > 0 && auth_is_blank(text[len - 1]))
		len--;
	if (len == 0)
		return error_set(e, EINVAL, "%s: the token is empty", origin);
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)text[i]))
			return error_set(e, EINVAL,
					 "%s: the token has a blank or control character in it",
					 origin);

	_cleanup_(cleanup_free) char *token = strndup(text, len);
	_cleanup_(cleanup_free) char *from = strdup(origin);
	if (!token || !from)
		return error_oom(e);
	free(a->token);
	free(a->token_origin);
	a->token = move_ptr(&token);
	a->token_origin = move_ptr(&from);
	return 0;
}

static bool auth_stat_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int auth_token(struct auth *a, const char **ret, struct error *e)
{
	int64_t now_ns = clock_monotonic_ns();
	struct stat st = { 0 };

	if (a->token_file && stat(a->token_file, &st) < 0)
		st = (struct stat){ 0 };
	if (a->token_file &&
	    (a->token_read_ns == 0 || now_ns - a->token_read_ns >= AUTH_TOKEN_AGE_NS ||
	     !auth_stat_same(&st, &a->token_stat))) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;
		int r = auth_read_file(a->token_file, &text, e);
		if (r == 0)
			r = auth_set_token(a, buf_str(&text), a->token_file, e);
		/* The one read last, or `token`, goes on as long as the server takes it. */
		if (r < 0 && !a->token)
			return r;
		a->token_stat = st;
		a->token_read_ns = now_ns;
	}
	*ret = a->token;
	return 0;
}

static bool auth_string_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool auth_same(const struct auth *a, const struct auth *b)
{
	return auth_string_same(a->ca.text, b->ca.text) &&
	       auth_string_same(a->cert.text, b->cert.text) &&
	       auth_string_same(a->key.text, b->key.text) && auth_string_same(a->token, b->token);
}

/* The first certificate; NULL: none. Returns owned. */
static X509 *auth_read_certificate(const struct auth_pem *p)
{
	_cleanup_(BIO_freep) BIO *bio = pem_open(p->text);

	return bio ? pem_certificate(bio) : NULL;
}

int auth_check(const struct auth *a, struct error *e)
{
	if (a->ca.text) {
		_cleanup_(X509_freep) X509 *ca = auth_read_certificate(&a->ca);
		if (!ca)
			return error_set(e, EINVAL, "%s: holds no PEM certificate", a->ca.origin);
	}
	if (!a->cert.text && !a->key.text)
		return 0;
	if (!a->key.text)
		return error_set(e, EINVAL, "%s: a client certificate without its key",
				 a->cert.origin);
	if (!a->cert.text)
		return error_set(e, EINVAL, "%s: a client key without its certificate",
				 a->key.origin);

	_cleanup_(X509_freep) X509 *cert = auth_read_certificate(&a->cert);
	if (!cert)
		return error_set(e, EINVAL, "%s: holds no PEM certificate", a->cert.origin);
	_cleanup_(BIO_freep) BIO *bio = pem_open(a->key.text);
	if (!bio)
		return error_oom(e);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = pem_private_key(bio);
	if (!key)
		return error_set(e, EINVAL, "%s: holds no PEM private key without a passphrase",
				 a->key.origin);
	if (X509_check_private_key(cert, key) != 1)
		return error_set(e, EINVAL, "%s: this key does not belong to the certificate in %s",
				 a->key.origin, a->cert.origin);
	return 0;
}

/* The claim `exp` of a JWT (RFC 7519 §4.1.4) in seconds; 0: it has none, or is no JWT. */
static int64_t auth_token_expiry(const char *token)
{
	const char *payload = strchr(token, '.');
	const char *end = payload ? strchr(payload + 1, '.') : NULL;
	if (!end)
		return 0;

	/* base64url without padding (RFC 7515 §2) → what EVP_DecodeBlock() reads. */
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	for (const char *p = payload + 1; p < end; p++)
		buf_add_char(&text, *p == '-' ? '+' : *p == '_' ? '/' : *p);
	while (text.len % 4 != 0)
		buf_add_char(&text, '=');
	if (buf_error(&text) < 0 || text.len == 0 || text.len > 65536)
		return 0;
	_cleanup_(cleanup_free) char *json = calloc(1, text.len + 1);
	if (!json || EVP_DecodeBlock((unsigned char *)json, (const unsigned char *)text.data,
				     (int)text.len) < 0)
		return 0;
	cJSON *claims = cJSON_Parse(json);
	const cJSON *exp = cJSON_GetObjectItemCaseSensitive(claims, "exp");
	int64_t s = cJSON_IsNumber(exp) && exp->valuedouble > 0 && exp->valuedouble < 1e11
			    ? (int64_t)exp->valuedouble
			    : 0;
	cJSON_Delete(claims);
	return s;
}

static int64_t auth_certificate_expiry(const struct auth_pem *p)
{
	_cleanup_(X509_freep) X509 *cert = auth_read_certificate(p);
	struct tm tm;

	if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;
	return timegm(&tm);
}

static void auth_explain_expiry(int64_t expires_s, const char *valid_hint, struct buf *out)
{
	char at[RFC3339_SECONDS_LEN + 1];

	if (expires_s == 0) {
		buf_printf(out, " is not accepted by the server: %s", valid_hint);
		return;
	}
	rfc3339_format(expires_s, at);
	if (expires_s <= clock_realtime_ns() / CLOCK_NS_PER_S)
		buf_printf(out, " expired at %s", at);
	else
		buf_printf(out, ", valid until %s, is not accepted by the server: %s", at,
			   valid_hint);
}

void auth_explain(const struct auth *a, struct buf *out)
{
	if (a->token) {
		buf_printf(out, "the token of user \"%s\" from %s", a->user, a->token_origin);
		auth_explain_expiry(auth_token_expiry(a->token),
				    "revoked, or made by another cluster", out);
	} else if (a->cert.text) {
		buf_printf(out, "the client certificate of user \"%s\" from %s", a->user,
			   a->cert.origin);
		auth_explain_expiry(auth_certificate_expiry(&a->cert),
				    "issued by another CA, perhaps a stale copy of the kubeconfig",
				    out);
	} else {
		buf_printf(out, "%s gives no credentials for user \"%s\"", a->source, a->user);
	}
}

void auth_explain_tls(const struct auth *a, long verify_result, const char *curl_text,
		      struct buf *out)
{
	switch (verify_result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_add_str(out, "the server's certificate has expired");
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buf_add_str(out, "the server's certificate is not valid yet: is the clock right?");
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		buf_printf(out, "the server's certificate is not trusted by the CA of %s",
			   a->ca.origin ? a->ca.origin : "this system (the kubeconfig names none)");
		return;
	default:
		break;
	}
	/* curl compares the names itself, and OpenSSL's result is good then. */
	if (strstr(curl_text, "subject name"))
		buf_printf(
			out,
			"the server's certificate is for another name (%s); tls-server-name in %s "
			"sets the one to expect",
			curl_text, a->source);
	else
		buf_add_str(out, curl_text);
}
