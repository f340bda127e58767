#include "options.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/configfile.h"
#include "io/num.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	OPT_FORM = CLI_FIRST,
	OPT_JSON,
	OPT_EXTRACT,
	OPT_NEXT,
	OPT_PAGES,
	OPT_ACCEPT,
	OPT_REDIRECTS,
	OPT_HOSTS,
	OPT_ALLOW_PRIVATE,
};

#define DATA_MOST ((size_t)16 << 20) /* bytes of a file of -d */

static const struct cli_option options[] = {
    {'X', "method", "METHOD", "the method (default GET, with a body POST)"},
    {'H', "header", "NAME: TEXT", "a header, once more; ${NAME} is a variable"},
    {'d', "data", "TEXT", "send this, or what is in the file of @FILE"},
    {OPT_FORM, "form", "NAME=TEXT", "send a form with this field, once more"},
    {OPT_JSON, "json", "EXPR", "send what EXPR makes of the entry, as JSON"},
    {OPT_EXTRACT, "extract", "EXPR", "take this of an answer's body"},
    {OPT_NEXT, "next", "EXPR", "the next page's URL or fields; or link"},
    {OPT_PAGES, "pages", "N", "at most, of an entry (default: all)"},
    {OPT_ACCEPT, "accept", "LIST", "statuses that are answers too, such as 404"},
    {OPT_REDIRECTS, "redirects", "N", "follow so many (default 0)"},
    {OPT_HOSTS, "hosts", "LIST", "where data and redirects may lead"},
    {OPT_ALLOW_PRIVATE, "allow-private", NULL,
	"there may be inside: private addresses"},
    {'j', "jobs", "N", "calls in flight at most (default 8), or auto"},
    {ENGINE_RPM, "rpm", "N", "requests a minute at most, to each host"},
    {ENGINE_ATTEMPTS, "attempts", "N", "attempts per call (default 4)"},
    {ENGINE_TIMEOUT, "timeout", "TIME", "of an attempt (default 60s)"},
    {ENGINE_CONNECT_TIMEOUT, "connect-timeout", "TIME", "to connect (default 10s)"},
    {ENGINE_MAX_WAIT, "max-wait", "TIME",
	"longest wait a server may ask for (default 10m)"},
    {ENGINE_CACERT, "cacert", "FILE", "certificates to trust, in PEM"},
    {ENGINE_HTTP1_1, "http1.1", NULL, "speak no HTTP/2"},
    ENGINE_OPTIONS,
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-http",
    "[-X METHOD] [-H 'NAME: TEXT'] [-d TEXT | --form NAME=TEXT | --json EXPR] "
    "[--extract EXPR] [--next EXPR] [-j N] [-l DIR] URL [FILE...]",
    "have entries answered by an HTTP API", options};

static const char *const classes[] = {"auth", "bad_answer", "bad_request",
    "conflict", "extract", "forbidden", "not_cached", "not_found", "quota",
    "rate_limit", "redirect", "server", "timeout", "too_large", "transport", NULL};

static struct pattern *
parse_pattern(const struct cli *cli, struct options *x, struct span text,
    enum pattern_kind kind, const char *what)
{
	struct err e = ERR_INIT;
	struct pattern *p = pattern_new(text, kind, &x->web.secrets, &e);

	if (p == NULL)
		cli_usage(cli, "%s: %s", what, e.text);
	return p;
}

static struct query *
parse_query(const struct cli *cli)
{
	struct err e = ERR_INIT;
	struct query *q = query_open(cli->arg, &e);

	if (q == NULL)
		cli_usage(cli, "%s: %s", cli->name, e.text);
	return q;
}

/* RFC 9110, 5.6.2 */
static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("\"(),/:;<=>?@[\\]{}", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

/* Those say how a request is carried, which is not the user's to say. */
static bool
is_carried(const char *name)
{
	static const char *const names[] = {"connection", "content-length",
	    "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding",
	    "upgrade"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return strncasecmp(name, "proxy-", 6) == 0;
}

/* One more, whose value is the caller's to set. */
static struct web_named *
add_named(struct web_named **list, size_t *n, const char *name, size_t length)
{
	struct web_named *more;

	*list = mem_resize(*list, *n + 1, sizeof **list);
	more = &(*list)[(*n)++];
	*more = (struct web_named){.name = mem_strndup(name, length)};
	return more;
}

static void
add_header(const struct cli *cli, struct options *x)
{
	struct span s = span_str(cli->arg);
	const char *colon = strchr(cli->arg, ':');
	struct web_named *h;

	if (colon == NULL || !is_token(span_of(s.p, (size_t)(colon - s.p))))
		cli_usage(
		    cli, "%s takes NAME: TEXT, not \"%s\"", cli->name, cli->arg);
	h = add_named(
	    &x->web.headers, &x->web.nheaders, s.p, (size_t)(colon - s.p));
	if (is_carried(h->name))
		cli_usage(
		    cli, "%s: %s is not for the caller to say", cli->name, h->name);
	for (colon++; *colon == ' ' || *colon == '\t';)
		colon++;
	h->value = parse_pattern(cli, x, span_str(colon), PATTERN_TEXT, h->name);
}

static void
add_field(const struct cli *cli, struct options *x)
{
	const char *equals = strchr(cli->arg, '=');
	struct web_named *f;

	if (equals == NULL || equals == cli->arg)
		cli_usage(cli, "--form takes NAME=TEXT, not \"%s\"", cli->arg);
	f = add_named(
	    &x->web.form, &x->web.nform, cli->arg, (size_t)(equals - cli->arg));
	f->value = parse_pattern(
	    cli, x, span_str(equals + 1), PATTERN_TEXT, "--form");
}

static void
set_data(const struct cli *cli, struct options *x)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	if (*cli->arg != '@')
		buf_adds(&text, cli->arg);
	else if ((rc = configfile_read_path(cli->arg + 1, DATA_MOST, &text, &e)) <=
		 0)
		msg_die(STATUS_CANNOT, "%s: %s%s", cli->name,
		    rc < 0 ? e.text : cli->arg + 1,
		    rc < 0 ? "" : ": there is no such file");
	pattern_free(x->web.data);
	x->web.data = parse_pattern(
	    cli, x, buf_span(&text), PATTERN_TEXT, cli->name);
	buf_release(&text);
}

static void
set_accept(const struct cli *cli, struct options *x)
{
	const char *p = cli->arg;
	uint64_t status;
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		if (num_u64(span_of(p, n), &status) != 0 || status < 200 ||
		    status > 599)
			cli_usage(cli,
			    "--accept takes statuses, 200 to 599, not "
			    "\"%.*s\"",
			    (int)n, p);
		x->web.accept = mem_resize(
		    x->web.accept, x->web.naccept + 1, sizeof *x->web.accept);
		x->web.accept[x->web.naccept++] = (int)status;
		if (p[n] == '\0')
			return;
	}
}

static void
add_hosts(const struct cli *cli, struct options *x)
{
	const char *p = cli->arg;
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		if (n == 0 || memchr(p, '/', n) != NULL)
			cli_usage(cli, "--hosts takes names of hosts, not \"%.*s\"",
			    (int)n, p);
		x->hosts = mem_resize(
		    x->hosts, x->web.nhosts + 1, sizeof *x->hosts);
		x->hosts[x->web.nhosts++] = mem_strndup(p, n);
		if (p[n] == '\0')
			break;
	}
	x->web.hosts = x->hosts;
}

static void
set_method(const struct cli *cli, struct options *x)
{
	if (!is_token(span_str(cli->arg)) || strcmp(cli->arg, "CONNECT") == 0)
		cli_usage(cli, "%s: \"%s\" is no method", cli->name, cli->arg);
	x->web.method = cli->arg;
}

static void
set_next(const struct cli *cli, struct options *x)
{
	query_free(x->web.next);
	x->web.next = NULL;
	x->web.next_link = strcmp(cli->arg, "link") == 0;
	if (!x->web.next_link)
		x->web.next = parse_query(cli);
}

static void
set_option(const struct cli *cli, int key, struct options *x)
{
	struct web_options *w = &x->web;

	switch (key) {
	case 'X':
		set_method(cli, x);
		break;
	case 'H':
		add_header(cli, x);
		break;
	case 'd':
		set_data(cli, x);
		break;
	case OPT_FORM:
		add_field(cli, x);
		break;
	case OPT_JSON:
		query_free(w->json);
		w->json = parse_query(cli);
		break;
	case OPT_EXTRACT:
		query_free(w->extract);
		w->extract = parse_query(cli);
		break;
	case OPT_NEXT:
		set_next(cli, x);
		break;
	case OPT_PAGES:
		x->command.engine.pages = cli_count(cli, UINT32_MAX);
		break;
	case OPT_ACCEPT:
		set_accept(cli, x);
		break;
	case OPT_REDIRECTS:
		w->redirects = (unsigned)cli_count(cli, 50);
		break;
	case OPT_HOSTS:
		add_hosts(cli, x);
		break;
	case OPT_ALLOW_PRIVATE:
		w->allow_private = true;
		break;
	}
}

/* ---- the URL ---- */

static void
set_url(const struct cli *cli, struct options *x)
{
	struct web_options *w = &x->web;
	size_t n;

	if (cli->noperands == 0)
		cli_usage(cli, "URL is missing");
	w->url_text = cli->operands[0];
	if (strncasecmp(w->url_text, "http://", 7) != 0 &&
	    strncasecmp(w->url_text, "https://", 8) != 0 &&
	    (*w->url_text != '{' || w->url_text[1] == '{'))
		cli_usage(cli,
		    "URL begins with http:// or https://, or with a {field}; not "
		    "\"%s\"",
		    w->url_text);
	n = strcspn(w->url_text, "/") + 2;
	if (web_is_fixed(w->url_text) &&
	    memchr(w->url_text + n, '@', strcspn(w->url_text + n, "/?#")) != NULL)
		cli_usage(cli,
		    "a user and a password in a URL end up in records: say "
		    "-H 'Authorization: Basic ${VARIABLE}'");
	w->url = parse_pattern(cli, x, span_str(w->url_text), PATTERN_URL, "URL");
	if (!web_is_fixed(w->url_text) && w->secrets.n > 0 && w->nhosts == 0)
		cli_usage(cli,
		    "${%s} would go to any host that the data names: say which "
		    "they may be with --hosts",
		    w->secrets.names[0]);
}

/* What the body is, unless a header says so. */
static void
add_type(struct options *x)
{
	struct web_options *w = &x->web;
	const char *type = w->json != NULL   ? "application/json"
			   : w->nform > 0    ? "application/x-www-form-urlencoded"
			   : w->data != NULL ? "text/plain; charset=utf-8"
					     : NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < w->nheaders; i++)
		if (strcasecmp(w->headers[i].name, "content-type") == 0)
			type = NULL;
	if (type == NULL)
		return;
	add_named(&w->headers, &w->nheaders, "Content-Type", 12)->value =
	    pattern_new(span_str(type), PATTERN_TEXT, &w->secrets, &e);
}

static void
check_options(const struct cli *cli, const struct options *x)
{
	const struct web_options *w = &x->web;

	if ((w->data != NULL) + (w->nform > 0) + (w->json != NULL) > 1)
		cli_usage(cli, "-d, --form and --json: one body is sent");
	if (x->command.engine.pages > 0 && w->next == NULL && !w->next_link)
		cli_usage(cli, "--pages is for --next");
}

void
options_read(struct options *x, int argc, char **argv)
{
	struct cli cli;
	int key;

	x->command.classes = classes;
	x->command.engine.jobs = 8;
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (!engine_command_option(&x->command, &cli, key))
			set_option(&cli, key, x);
	engine_command_check(&x->command, &cli);
	check_options(&cli, x);
	set_url(&cli, x);
	add_type(x);
	x->command.engine.files = cli.operands + 1;
	x->command.engine.nfiles = cli.noperands - 1;
}

static void
named_free(struct web_named *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		pattern_free(list[i].value);
	}
	free(list);
}

void
options_release(struct options *x)
{
	struct web_options *w = &x->web;

	pattern_free(w->url);
	pattern_free(w->data);
	named_free(w->headers, w->nheaders);
	named_free(w->form, w->nform);
	for (size_t i = 0; i < w->nhosts; i++)
		free((char *)(uintptr_t)x->hosts[i]);
	free(w->accept);
	free(x->hosts);
	query_free(w->json);
	query_free(w->extract);
	query_free(w->next);
	secrets_release(&w->secrets);
}
