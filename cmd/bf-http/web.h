/*
 * web: the broker that asks an HTTP API.
 *
 * What is recorded of a request, in canonical form:
 *	{"body":TEXT,"headers":["NAME: VALUE",...],"method":"GET","url":URL}
 * with ${NAME} for secrets, without members that there are none of; what is sent
 * has their values, and those headers apart that hold some, under "secret".
 */
#ifndef BF_HTTP_WEB_H
#define BF_HTTP_WEB_H

#include "engine/broker.h"
#include "http/http.h"
#include "http/url.h"
#include "pattern.h"
#include "json/query.h"

/* A header, or a field of a form. */
struct web_named {
	char *name;
	struct pattern *value;
};

struct web_options {
	const char *method; /* NULL: GET, or POST where there is a body */
	const char *url_text;
	struct pattern *url;
	struct web_named *headers;
	size_t nheaders;
	struct pattern
	    *data; /* NULL: none; so the two others: one of them at most */
	struct web_named *form;
	size_t nform;
	struct query *json;
	struct query *extract; /* NULL: all of the body */
	struct query *next;    /* NULL: there are no pages, unless ... */
	bool next_link;        /* ... the header Link has the next one's */
	int *accept;           /* statuses of answers, beside 2xx */
	size_t naccept;
	unsigned redirects; /* that are followed */
	bool allow_private;
	const char *const *hosts; /* that the data may lead to; none: see web.c */
	size_t nhosts;
	struct secrets secrets;
	const struct http_options *http; /* it adds which headers it wants */
};

struct web {
	struct broker broker;
	const struct web_options *o;
	struct provider provider;
	struct http *http;
	bool fixed;        /* the host is not the data's to say */
	struct buf origin; /* then: that of the URL, once something is asked */
	struct entry over; /* an entry with what the page before said */
	struct buf line, text, shown, sent, found;
};

/* The options are borrowed. */
struct broker *web_new(const struct web_options *o);
void web_free(struct broker *b);

/* Whether the URL's host stands in its text, whatever the data is. */
bool web_is_fixed(const char *url_text);

/* request.c: broker.h's describe */
int web_describe(
    struct broker *b, struct request *r, const struct entry *en, struct err *e);

/* answer.c */
bool web_is_accepted(const struct web_options *o, int status);
/*
 * Appends what is recorded of an answer: an object with "status", "url", "type",
 * "link" where there is one, and "body", JSON or a string.  0, or -1 and e: it is
 * not what its type says.
 */
int web_add_answer(struct web *x, const struct http_call *hc, const struct url *at,
    struct buf *out, struct err *e);
/* broker.h's take */
int web_take(struct broker *b, struct buf *response, struct buf *next,
    const char **class, struct err *e);

#endif
