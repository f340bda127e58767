/*
 * provider: which server answers for MODEL@PROVIDER, under what name its
 * answers are kept, and with which key.
 *
 * Providers are defined in share/providers.json, which is part of the program,
 * and in the user's $XDG_CONFIG_HOME/bf/providers.json, else
 * ~/.config/bf/providers.json, which adds providers and overrides members:
 *
 *	{"NAME": {"base_url": "https://HOST/v1", "dialect": "openai-chat",
 *	    "key": "NAME_API_KEY", "base_url_variable": "NAME_BASE_URL",
 *	    "auth": "api-key", "prices": "openai", "rpm": 600, "tpm": 100000}, ...}
 *
 * key names the environment variable with the key, base_url_variable one that
 * replaces the base URL; auth the header that the key goes into, where that is
 * another than the dialect's ("api-key" with Azure, whose base URL is
 * https://RESOURCE.openai.azure.com/openai/v1; "bearer" is the usual one); prices
 * the provider whose models' prices hold here too ("openai"); rpm and tpm are what
 * is kept to where the command line does not say.  null is as if the member was not there.  All but base_url and
 * dialect may be absent.
 *
 * A base URL of a dialect that has a version at its end (/v1) gets it where it is
 * missing: the providers' own programs have it without.
 *
 * The endpoint is the name under which answers are kept: the provider's; where
 * the base URL was replaced on the command line or in the environment, that
 * URL's HOST:PORT, or what --endpoint, else BF_ENDPOINT, calls it.  An answer
 * of one endpoint never serves for another.
 *
 * The key is in memory here and in libcurl's headers, and nowhere else.
 */
#ifndef BF_DIALECTS_PROVIDER_H
#define BF_DIALECTS_PROVIDER_H

#include "base/err.h"
#include "dialects/dialect.h"

#define PROVIDER_DEFAULT "openai" /* of a model that names none */
#define PROVIDER_BEARER  "bearer" /* as auth: Authorization: Bearer KEY */

struct provider {
	char *name;
	const struct dialect *dialect;
	char *key_variable; /* NULL: it takes no key */
	char *auth;         /* a header's name, or "bearer"; NULL: as the dialect has it */
	char *url_variable; /* NULL: none */
	char *prices;       /* the provider whose prices are its own; NULL: itself */
	char *base_url;     /* no slash at its end */
	int64_t rpm, tpm;   /* 0: no limit is set */

	/* once it is opened */
	char *endpoint;
	char *key;     /* NULL: none */
	bool replaced; /* the base URL is not the provider's own */
};

/* What the command line says; NULL where it says nothing. */
struct provider_options {
	const char *name; /* of the one that the others here are for; NULL: openai */
	const char *base_url;
	const char *endpoint;
	const char *key_file;
	/* A warning, a line; may be NULL. */
	void (*report)(const char *text);
};

/*
 * Splits MODEL@PROVIDER at the last @; without one the provider is openai.
 * -1 and e where there is no model, or nothing behind the @.
 */
int provider_split(struct span name, struct span *model, struct span *provider,
    struct err *e);

struct providers;

/* Those that are defined; options are borrowed. NULL and e: file, provider and member. */
struct providers *providers_new(const struct provider_options *o, struct err *e);
void providers_free(struct providers *ps); /* wipes the keys */

/*
 * By name, opened when first asked for: as options and environment have it.
 * Belongs to ps. NULL and e: it is not known, its key file cannot be read, ...
 */
const struct provider *providers_get(struct providers *ps, struct span name, struct err *e);

/* By number, as defined, not opened; NULL when there are no more. */
const struct provider *providers_at(const struct providers *ps, size_t n);

/* Appends the header with its key, which is there; the caller wipes it. */
void provider_add_key(const struct provider *p, struct buf *header);

/* Whether calls can be made: -1 and e if a key is needed and there is none. */
int provider_ready(const struct provider *p, struct err *e);

/*
 * HOST:PORT of an http or https URL, in lower case, the port always named;
 * malloc'd. NULL and e if it is none, or holds a user, a query or a fragment.
 */
char *provider_host_port(const char *url, struct err *e);

#endif
