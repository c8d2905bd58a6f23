/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass from left to right. At the beginning of a word it is asked whether the word is a key by
 * its shape, and whether it is a name whose value has to be hidden; a value ends where a shell
 * would end it, or with its argument where no shell will look at it.
 */
#include "sidecar/redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "k8s/base/cleanup.h"

#define NAME_MAX_LEN 64 /* longer words are no names of options or variables */

/* How the next argument is to be read. */
enum next { NEXT_PLAIN, NEXT_SECRET, NEXT_USER, NEXT_SCRIPT };

struct redact {
	char *out;
	size_t len;
	bool hidden;
	bool dash_p; /* a program whose -p is a password */
	enum next next;
};

static void emit(struct redact *r, const char *s, size_t len)
{
	memcpy(r->out + r->len, s, len);
	r->len += len;
}

static void hide(struct redact *r, size_t len)
{
	if (len == 0)
		return;
	emit(r, REDACT_MARK, sizeof(REDACT_MARK) - 1);
	r->hidden = true;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* ---- names ---- */

static bool one_of(const char *const *list, const char *s, size_t len)
{
	for (; *list; list++)
		if (strlen(*list) == len && memcmp(*list, s, len) == 0)
			return true;
	return false;
}

/* Lower case, without the leading dashes; words of the name are divided by '_'. */
static size_t fold(const char *s, size_t len, char out[NAME_MAX_LEN])
{
	size_t n = 0;

	while (len > 0 && *s == '-')
		s++, len--;
	for (size_t i = 0; i < len && n < NAME_MAX_LEN; i++)
		out[n++] = isalnum((unsigned char)s[i]) ? (char)tolower((unsigned char)s[i]) : '_';
	return n;
}

static bool is_secret(const char *s, size_t len)
{
	static const char *const within[] = { "password",   "passwd",     "passphrase", "secret",
					      "token",      "apikey",     "api_key",    "accesskey",
					      "privatekey", "credential", "bearer",     "cookie",
					      "authoriz",   NULL };
	static const char *const words[] = { "pass", "pwd", "pw",        "key",     "auth", "jwt",
					     "pat",  "sig", "signature", "session", "sas",  NULL };
	/* not the secret itself, but where it is or how it looks */
	static const char *const about[] = { "file", "path", "stdin", "dir",   "prompt", "name",
					     "ttl",  "len",  "type",  "count", "sock",   NULL };
	char name[NAME_MAX_LEN + 1];
	size_t n = len < NAME_MAX_LEN ? fold(s, len, name) : 0;
	bool found = false;

	name[n] = '\0';
	if (n == 0 || strcmp(name, "pwd") == 0) /* the working directory */
		return false;
	for (const char *const *w = within; *w && !found; w++)
		found = strstr(name, *w) != NULL;
	for (size_t at = 0; at < n;) {
		size_t word = strcspn(name + at, "_");

		if (at + word == n && one_of(about, name + at, word))
			return false;
		found |= one_of(words, name + at, word);
		at += word + 1;
	}
	return found;
}

/* ---- shapes ---- */

/* The length of a key that begins at s, known by how it begins; 0: none. */
static size_t shape(const char *s, size_t len)
{
	static const char *const begins[] = { "ghp_",   "gho_",        "ghu_",  "ghs_", "ghr_",
					      "glpat-", "github_pat_", "sk-",   "AKIA", "ASIA",
					      "xoxb-",  "xoxp-",       "xapp-", "AIza", "npm_",
					      "pypi-",  "hf_",         "eyJ" };
	size_t n = 0;

	if (len > 10 && memcmp(s, "-----BEGIN", 10) == 0)
		return len;
	while (n < len && (is_name(s[n]) || s[n] == '+' || s[n] == '/'))
		n++;
	if (n < 16)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (strncmp(s, begins[i], strlen(begins[i])) == 0)
			return n;
	return 0;
}

/* ---- values ---- */

static size_t value_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len > 0 && is_quote(*s)) {
		for (n = 1; n < len && s[n] != *s; n++)
			;
		return n < len ? n + 1 : n;
	}
	while (n < len && !isspace((unsigned char)s[n]) && !is_quote(s[n]) &&
	       !strchr(";&|()<>,", s[n]))
		n++;
	return n;
}

/* Of a header or a member of JSON: to the quote or the end of the line. */
static size_t line_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len > 0 && is_quote(*s))
		return value_length(s, len);
	while (n < len && !is_quote(s[n]) && s[n] != '\n')
		n++;
	return n;
}

static size_t blanks(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (s[n] == ' ' || s[n] == '\t'))
		n++;
	return n;
}

/*
 * s begins with a secret's name of `name` bytes. Emits it, hides its value, returns the bytes of s
 * that are done. `whole`: the name begins the argument, which no shell will take apart.
 */
static size_t hide_value(struct redact *r, const char *s, size_t len, size_t name, bool whole)
{
	size_t at = name < len && is_quote(s[name]) ? name + 1 : name;
	size_t gap = blanks(s + at, len - at);
	size_t n = 0;

	if (at < len && s[at] == '=') {
		at++;
		n = whole ? len - at : value_length(s + at, len - at);
	} else if (at + gap < len && s[at + gap] == ':') {
		at += gap + 1;
		at += blanks(s + at, len - at);
		n = line_length(s + at, len - at);
	} else if (*s == '-' && name == len) {
		at = name;
		r->next = NEXT_SECRET;
	} else if (*s == '-' && gap > 0) {
		at += gap;
		n = value_length(s + at, len - at);
	} else {
		at = name;
	}
	emit(r, s, at);
	hide(r, n);
	return at + n;
}

/* user:password; the user stays. */
static size_t hide_password(struct redact *r, const char *s, size_t len)
{
	size_t n = value_length(s, len);
	const char *colon = memchr(s, ':', n);
	size_t keep = colon ? (size_t)(colon - s) + 1 : n;

	emit(r, s, keep);
	hide(r, n - keep);
	return n;
}

/* "://" has been emitted: what stands before an @ of the host part is hidden. */
static size_t hide_userinfo(struct redact *r, const char *s, size_t len)
{
	size_t n = 0, at = 0;

	while (n < len && !isspace((unsigned char)s[n]) && !is_quote(s[n]) &&
	       !strchr("/?#", s[n])) {
		n++;
		if (s[n - 1] == '@')
			at = n - 1;
	}
	hide(r, at);
	return at;
}

static size_t name_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_name(s[n]))
		n++;
	return n;
}

static bool is_user_option(const char *s, size_t len)
{
	static const char *const options[] = { "-u", "--user", "--proxy-user", NULL };

	return one_of(options, s, len);
}

/* A word begins at s[at]. Returns the bytes done, 0: nothing special. */
static size_t word(struct redact *r, const char *s, size_t at, size_t len, bool script)
{
	size_t rest = len - at, n = shape(s + at, rest), name = name_length(s + at, rest);

	if (n > 0) {
		hide(r, n);
		return n;
	}
	if (is_user_option(s + at, name) && at + name == len) {
		r->next = NEXT_USER;
	} else if (is_user_option(s + at, name)) {
		size_t gap = blanks(s + at + name, rest - name);
		emit(r, s + at, name + gap);
		return name + gap + hide_password(r, s + at + name + gap, rest - name - gap);
	} else if (at == 0 && name > 2 && memcmp(s, "-u", 2) == 0 && memchr(s, ':', len)) {
		return hide_password(r, s, len);
	} else if (at == 0 && r->dash_p && name >= 2 && memcmp(s, "-p", 2) == 0) {
		r->next = len == 2 ? NEXT_SECRET : NEXT_PLAIN;
		emit(r, s, 2);
		hide(r, len - 2);
		return len;
	} else if (name > 0 && is_secret(s + at, name)) {
		return hide_value(r, s + at, rest, name, at == 0 && !script);
	}
	emit(r, s + at, name);
	return name;
}

static void argument(struct redact *r, const char *s, size_t len)
{
	enum next how = r->next;

	r->next = NEXT_PLAIN;
	if (how == NEXT_SECRET) {
		hide(r, len);
		return;
	}
	if (how == NEXT_USER && memchr(s, ':', len)) {
		hide_password(r, s, len);
		return;
	}
	if (len == 2 && memcmp(s, "-c", 2) == 0)
		r->next = NEXT_SCRIPT;
	for (size_t at = 0; at < len;) {
		size_t n = at == 0 || !is_name(s[at - 1]) ? word(r, s, at, len, how == NEXT_SCRIPT)
							  : 0;

		if (n == 0 && len - at >= 3 && memcmp(s + at, "://", 3) == 0) {
			emit(r, s + at, 3);
			n = 3 + hide_userinfo(r, s + at + 3, len - at - 3);
		} else if (n == 0) {
			emit(r, s + at, 1);
			n = 1;
		}
		at += n;
	}
}

static bool is_dash_p_program(const char *s, size_t len)
{
	const char *slash = memrchr(s, '/', len);

	if (slash) {
		len -= (size_t)(slash + 1 - s);
		s = slash + 1;
	}
	return (len >= 5 && memcmp(s, "mysql", 5) == 0) ||
	       (len >= 7 && (memcmp(s, "mariadb", 7) == 0 || memcmp(s, "sshpass", 7) == 0));
}

size_t redact_args(const char *args, size_t len, char *out, bool *ret_hidden)
{
	struct redact r = { .out = out };

	for (size_t at = 0; at < len;) {
		size_t n = strnlen(args + at, len - at);

		if (at == 0)
			r.dash_p = is_dash_p_program(args, n);
		argument(&r, args + at, n);
		if (at + n < len)
			emit(&r, "", 1);
		at += n + 1;
	}
	*ret_hidden = r.hidden;
	return r.len;
}
