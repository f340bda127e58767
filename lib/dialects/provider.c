#include "dialects/provider_open.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MAX = 16384 };

int
provider_split(
    struct span name, struct span *model, struct span *provider, struct err *e)
{
	size_t at = name.n;

	while (at > 0 && name.p[at - 1] != '@')
		at--;
	*model = at == 0 ? name : span_of(name.p, at - 1);
	*provider = at == 0 ? SPAN(PROVIDER_DEFAULT)
			    : span_of(name.p + at, name.n - at);
	if (model->n == 0)
		return err_set(e, "the model's name is empty");
	if (provider->n == 0)
		return err_set(e, "\"%.*s\": no provider behind the @",
		    (int)(name.n > 200 ? 200 : name.n), name.p);
	return 0;
}

/* ---- URLs ---- */

static const char *
skip_scheme(const char *url, const char **port)
{
	if (strncmp(url, "https://", 8) == 0) {
		*port = "443";
		return url + 8;
	}
	if (strncmp(url, "http://", 7) == 0) {
		*port = "80";
		return url + 7;
	}
	return NULL;
}

char *
provider_host_port(const char *url, struct err *e)
{
	const char *port, *host = skip_scheme(url, &port), *colon;
	char *out, *p;
	size_t n, digits;

	if (host == NULL) {
		err_set(e, "a base URL begins with https:// or http://");
		return NULL;
	}
	for (p = (char *)(uintptr_t)url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f) {
			err_set(e,
			    "the base URL holds white space or control characters");
			return NULL;
		}
	n = strcspn(host, "/?#");
	if (memchr(host, '@', n) != NULL) {
		err_set(e, "the base URL holds a user or a password: "
			   "a key belongs into the environment or a --key-file");
		return NULL;
	}
	if (strpbrk(host + n, "?#") != NULL || n == 0) {
		err_set(e,
		    n == 0 ? "%s: no host in the base URL"
			   : "%s: a base URL has no query and no fragment",
		    url);
		return NULL;
	}
	colon = host + n;
	while (colon > host && isdigit((unsigned char)colon[-1]))
		colon--;
	digits = (size_t)(host + n - colon);
	if (colon > host && colon[-1] == ':' && digits > 0) {
		port = colon;
		n = (size_t)(colon - 1 - host);
	} else
		digits = strlen(port);
	out = mem_alloc(n + 1 + digits + 1);
	memcpy(out, host, n);
	out[n] = ':';
	memcpy(out + n + 1, port, digits);
	out[n + 1 + digits] = '\0';
	for (p = out; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

/* ---- keys ---- */

static const char *
variable(const char *name)
{
	const char *v = name == NULL ? NULL : getenv(name);

	return v == NULL || *v == '\0' ? NULL : v;
}

/* A header line is made of it: nothing may end that line early. */
static int
check_key(const char *key, const char *from, struct err *e)
{
	const unsigned char *p;

	for (p = (const unsigned char *)key; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return err_set(e,
			    "the key in %s holds a space, a newline or another "
			    "character "
			    "that no key has",
			    from);
	return 0;
}

static int
read_key_file(struct provider *p, const struct provider_options *o, struct err *e)
{
	char text[KEY_MAX + 1], warning[400];
	struct stat st;
	size_t n = 0;
	ssize_t got;
	int fd = fd_open(o->key_file, O_RDONLY, 0);

	if (fd < 0)
		return err_sys(e, "%s", o->key_file);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0 &&
	    o->report != NULL) {
		snprintf(warning, sizeof warning,
		    "%.300s: others may read this key; chmod 600 it", o->key_file);
		o->report(warning);
	}
	while (n < KEY_MAX && (got = fd_read(fd, text + n, KEY_MAX - n)) != 0) {
		if (got < 0) {
			err_sys(e, "%s", o->key_file);
			fd_close(fd);
			return -1;
		}
		n += (size_t)got;
	}
	fd_close(fd);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	if (n == 0)
		return err_set(e, "%s: holds no key", o->key_file);
	if (n == KEY_MAX || memchr(text, '\0', n) != NULL)
		return err_set(e,
		    "%s: is no key file: one line with the key is expected",
		    o->key_file);
	p->key = mem_strndup(text, n);
	secret_wipe(text, sizeof text);
	return check_key(p->key, o->key_file, e);
}

static int
find_key(struct provider *p, const struct provider_options *o, struct err *e)
{
	const char *key;

	if (o->key_file != NULL)
		return read_key_file(p, o, e);
	if ((key = variable(p->key_variable)) == NULL)
		return 0;
	p->key = mem_strdup(key);
	return check_key(p->key, p->key_variable, e);
}

/* ---- the provider ---- */

static void
cut_slashes(char *url)
{
	for (size_t n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
		url[n - 1] = '\0';
}

/* Whether it ends in /v1, /v1beta, or the like. */
static bool
has_version(const char *url)
{
	const char *last = strrchr(url, '/');

	return last != NULL && last[1] == 'v' && isdigit((unsigned char)last[2]);
}

static void
complete_url(char **url, const struct dialect *d)
{
	struct buf whole = BUF_INIT;

	cut_slashes(*url);
	if (d->version == NULL || has_version(*url))
		return;
	buf_adds(&whole, *url);
	buf_adds(&whole, d->version);
	free(*url);
	*url = mem_strdup(buf_cstr(&whole));
	buf_release(&whole);
}

/* Another base URL than its own, if the user gave one. */
static void
replace_url(struct provider *p, const struct provider_options *o)
{
	const char *url = o->base_url != NULL ? o->base_url
					      : variable(p->url_variable);
	char *other;

	if (url == NULL || *url == '\0')
		return;
	other = mem_strdup(url);
	complete_url(&other, p->dialect);
	p->replaced |= strcmp(other, p->base_url) != 0;
	free(p->base_url);
	p->base_url = other;
}

static int
find_endpoint(struct provider *p, const struct provider_options *o, struct err *e)
{
	const char *name = o->endpoint;
	char *host_port = provider_host_port(p->base_url, e);

	if (host_port == NULL)
		return -1;
	if (!p->replaced) {
		free(host_port);
		if (name != NULL)
			return err_set(e,
			    "--endpoint names the answers of another base URL: "
			    "it needs --base-url or %s",
			    p->url_variable == NULL ? "the like" : p->url_variable);
		p->endpoint = mem_strdup(p->name);
		return 0;
	}
	if (name == NULL)
		name = variable("BF_ENDPOINT");
	if (name == NULL) {
		p->endpoint = host_port;
		return 0;
	}
	free(host_port);
	p->endpoint = mem_strdup(name);
	return 0;
}

int
provider_open(struct provider *p, const struct provider_options *o, struct err *e)
{
	complete_url(&p->base_url, p->dialect);
	replace_url(p, o);
	if (find_endpoint(p, o, e) != 0 || find_key(p, o, e) != 0)
		return -1;
	if (p->key != NULL)
		secret_no_core();
	return 0;
}

void
provider_release(struct provider *p)
{
	free(p->name);
	free(p->key_variable);
	free(p->auth);
	free(p->url_variable);
	free(p->prices);
	free(p->base_url);
	free(p->endpoint);
	if (p->key != NULL)
		secret_wipe(p->key, strlen(p->key));
	free(p->key);
	memset(p, 0, sizeof *p);
}

void
provider_add_key(const struct provider *p, struct buf *header)
{
	const char *name = p->auth != NULL ? p->auth : p->dialect->key_header;

	if (name == NULL || strcmp(name, PROVIDER_BEARER) == 0)
		buf_adds(header, "Authorization: Bearer ");
	else
		buf_addf(header, "%s: ", name);
	buf_adds(header, p->key);
}

int
provider_ready(const struct provider *p, struct err *e)
{
	if (p->key != NULL || p->key_variable == NULL || p->replaced)
		return 0;
	return err_set(e,
	    "no key for %s: set %s, or give --key-file FILE, or --base-url URL for "
	    "another server",
	    p->base_url, p->key_variable);
}
