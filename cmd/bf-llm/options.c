/* What bf-llm is told. */
#include "options.h"

#include "base/mem.h"
#include "io/num.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	OPT_HEDGE = CLI_FIRST,
	OPT_FALLBACK,
	OPT_SCHEMA,
	OPT_COERCE,
	OPT_CHECK_FORMATS,
	OPT_REPAIR,
	OPT_ESCALATE,
	OPT_ESCALATE_MODEL,
	OPT_ESCALATE_TEMPERATURE,
	OPT_GROW_MAX_TOKENS,
	OPT_WARM_PREFIX,
	OPT_ACCEPT,
	OPT_LENIENT,
	OPT_STREAM,
	OPT_REDO,
	OPT_LIST_PROVIDERS,
};

static const struct cli_option options[] = {
    {'m', "model", "MODEL",
	"model of entries that name none: MODEL or MODEL@PROVIDER"},
    {'j', "jobs", "N", "calls in flight at most (default 16), or auto"},
    {OPT_REDO, "redo", "FIELD=VALUE",
	"ask anew where finish_reason, model or refusal is VALUE"},
    {OPT_LIST_PROVIDERS, "list-providers", NULL,
	"show which providers are known, and end"},
    {ENGINE_BASE_URL, "base-url", "URL",
	"where calls go (default $OPENAI_BASE_URL)"},
    {ENGINE_ENDPOINT, "endpoint", "NAME",
	"name that server's answers are kept under"},
    {ENGINE_KEY_FILE, "key-file", "FILE",
	"read the key here, not in $OPENAI_API_KEY"},
    {ENGINE_CACERT, "cacert", "FILE", "certificates to trust, in PEM"},
    {ENGINE_HTTP1_1, "http1.1", NULL, "speak no HTTP/2"},
    {ENGINE_RPM, "rpm", "N", "requests a minute at most, to each model"},
    {ENGINE_TPM, "tpm", "N", "tokens a minute at most, of each model"},
    {ENGINE_ATTEMPTS, "attempts", "N", "attempts per call (default 4)"},
    {ENGINE_TIMEOUT, "timeout", "TIME", "of an attempt (default 10m)"},
    {ENGINE_CONNECT_TIMEOUT, "connect-timeout", "TIME", "to connect (default 10s)"},
    {ENGINE_FIRST_BYTE_TIMEOUT, "first-byte-timeout", "TIME",
	"to the first byte of an answer (default: that of the attempt)"},
    {ENGINE_STALL_TIMEOUT, "stall-timeout", "TIME",
	"without a byte, once an answer began (default 60s)"},
    {ENGINE_MAX_WAIT, "max-wait", "TIME",
	"longest wait a server may ask for (default 10m)"},
    {OPT_HEDGE, "hedge", "PERCENTILE",
	"send calls once more that take longer than, say, p95 of all"},
    {OPT_FALLBACK, "fallback", "MODELS",
	"ask these, one after the other, what a model does not answer"},
    {OPT_SCHEMA, "schema", "FILE",
	"the answer must be JSON as the JSON Schema in FILE says"},
    {OPT_COERCE, "coerce", NULL,
	"mend \"3\" for 3, and a value for an array of one"},
    {OPT_CHECK_FORMATS, "check-formats", NULL,
	"the schema's \"format\" counts, too"},
    {OPT_REPAIR, "repair", "N",
	"send an answer that is not so back with its errors, N times at most"},
    {OPT_ESCALATE_MODEL, "escalate-model", "MODELS",
	"have these repair, one after the other"},
    {OPT_ESCALATE_TEMPERATURE, "escalate-temperature", "LIST",
	"repair at these temperatures, one after the other"},
    {OPT_ESCALATE, "escalate", NULL,
	"ask the models of --fallback, too, what is not repaired"},
    {OPT_GROW_MAX_TOKENS, "grow-max-tokens", "N",
	"ask again for up to N tokens where an answer was cut"},
    {OPT_WARM_PREFIX, "warm-prefix", NULL,
	"send one call first of those that share a long prompt prefix"},
    {ENGINE_MAX_COST, "max-cost", "USD",
	"stop before the calls of this run cost more"},
    {ENGINE_MAX_TOKENS_TOTAL, "max-tokens-total", "N",
	"stop before they take more tokens, in and out"},
    {ENGINE_BUDGET_WINDOW, "budget-window", "TIME",
	"have both count what the ledger has of the last, say, 24h too"},
    {ENGINE_PRICES, "prices", "FILE",
	"prices of more models, as LiteLLM's list has them"},
    {OPT_ACCEPT, "accept", "LIST",
	"take answers that ended in length, content_filter, refusal"},
    {OPT_LENIENT, "lenient", NULL,
	"leave out, with a warning, what a provider cannot be asked"},
    {OPT_STREAM, "stream", NULL,
	"have answers sent in pieces, and put them together"},
    ENGINE_OPTIONS,
    CLI_COMMON,
    CLI_END,
};

static const struct cli_command command = {"bf-llm",
    "[-j N] [-m MODEL] [-l DIR] [FILE...]",
    "have entries answered by a language model", options};

static const char *const classes[] = {"auth", "bad_answer", "bad_request",
    "conflict", "content_filter", "gave_up", "invalid", "length", "not_cached",
    "not_found", "rate_limit", "redirect", "refusal", "server", "timeout",
    "too_large", "transport", "whitespace_loop", NULL};

/* A comma-separated list of finish reasons. */
static unsigned
parse_accept(const struct cli *cli)
{
	const char *p = cli->arg;
	unsigned accept = 0;
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		if (span_eq(span_of(p, n), SPAN("length")))
			accept |= ENGINE_ACCEPT_LENGTH;
		else if (span_eq(span_of(p, n), SPAN("content_filter")))
			accept |= ENGINE_ACCEPT_FILTER;
		else if (span_eq(span_of(p, n), SPAN("refusal")))
			accept |= ENGINE_ACCEPT_REFUSAL;
		else
			cli_usage(cli,
			    "--accept takes length, content_filter, refusal, not "
			    "\"%.*s\"",
			    (int)n, p);
		if (p[n] == '\0')
			return accept;
	}
}

/* A comma-separated list of what good() takes, once more. */
static void
parse_list(const struct cli *cli, const char ***list, size_t *n,
    int (*good)(struct span word, struct err *e))
{
	const char *p = cli->arg;
	struct err e = ERR_INIT;
	struct span word;

	for (;; p += word.n + 1) {
		word = span_of(p, strcspn(p, ","));
		if (good(word, &e) != 0)
			cli_usage(cli, "%s: %s", cli->name, e.text);
		*list = mem_resize(*list, *n + 1, sizeof **list);
		(*list)[(*n)++] = mem_strndup(word.p, word.n);
		if (p[word.n] == '\0')
			return;
	}
}

static int
good_model(struct span word, struct err *e)
{
	struct span bare, provider;

	return provider_split(word, &bare, &provider, e);
}

static int
good_temperature(struct span word, struct err *e)
{
	struct json_fault f;
	double v;

	if (json_check(word, &f) == 0 && json_type(word) == JSON_NUMBER &&
	    num_double(word, &v) == 0 && v >= 0)
		return 0;
	return err_set(e, "temperatures are numbers such as 0,0.7, not \"%.*s\"",
	    (int)word.n, word.p);
}

/* FIELD=VALUE, once more. */
static void
parse_redo(const struct cli *cli, struct engine_options *o)
{
	static const char *const fields[] = {
	    [ENGINE_FINISH_REASON] = "finish_reason",
	    [ENGINE_MODEL] = "model",
	    [ENGINE_REFUSAL] = "refusal"};
	const char *value = strchr(cli->arg, '=');
	size_t n = value == NULL ? 0 : (size_t)(value - cli->arg);
	size_t i;

	if (value == NULL)
		cli_usage(cli, "--redo takes FIELD=VALUE, not \"%s\"", cli->arg);
	for (i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (span_eq(span_of(cli->arg, n), span_str(fields[i])))
			break;
	if (i == sizeof fields / sizeof fields[0])
		cli_usage(cli,
		    "--redo knows the fields finish_reason, model and refusal, "
		    "not \"%.*s\"",
		    (int)n, cli->arg);
	o->redo = mem_resize(o->redo, o->nredo + 1, sizeof *o->redo);
	o->redo[o->nredo++] = (struct engine_redo){(enum engine_field)i, value + 1};
}

/* p95, P95, 95, 95%; a part of 1. */
static double
parse_percentile(const struct cli *cli)
{
	struct span s = span_str(cli->arg);
	double v;

	if (s.n > 0 && (*s.p == 'p' || *s.p == 'P'))
		s = span_of(s.p + 1, s.n - 1);
	if (s.n > 0 && s.p[s.n - 1] == '%')
		s.n--;
	if (num_double(s, &v) != 0 || v < 50 || v >= 100)
		cli_usage(cli,
		    "%s takes a percentile, p50 and more, such as p95, not \"%s\"",
		    cli->name, cli->arg);
	return v / 100;
}

static void
parse_option(const struct cli *cli, int key, struct options *x)
{
	struct engine_options *o = &x->command.engine;

	switch (key) {
	case 'm':
		x->llm.model = cli->arg;
		break;
	case OPT_REDO:
		parse_redo(cli, o);
		break;
	case OPT_LIST_PROVIDERS:
		x->list_providers = true;
		break;
	case OPT_HEDGE:
		o->hedge = parse_percentile(cli);
		break;
	case OPT_FALLBACK:
		parse_list(cli, &o->fallback, &o->nfallback, good_model);
		break;
	case OPT_SCHEMA:
		x->schema = cli->arg;
		break;
	case OPT_COERCE:
		x->coerce = true;
		break;
	case OPT_CHECK_FORMATS:
		x->formats = true;
		break;
	case OPT_REPAIR:
		o->repairs = (unsigned)cli_count(cli, 100);
		break;
	case OPT_ESCALATE:
		o->escalate = true;
		break;
	case OPT_ESCALATE_MODEL:
		parse_list(cli, &o->repair_models, &o->nrepair_models, good_model);
		break;
	case OPT_ESCALATE_TEMPERATURE:
		parse_list(cli, &o->repair_temperatures, &o->nrepair_temperatures,
		    good_temperature);
		break;
	case OPT_GROW_MAX_TOKENS:
		o->grow_max_tokens = (int64_t)cli_count(cli, INT32_MAX);
		break;
	case OPT_WARM_PREFIX:
		o->warm_prefix = true;
		break;
	case OPT_ACCEPT:
		o->accept = parse_accept(cli);
		break;
	case OPT_STREAM:
		o->stream = x->llm.stream = true;
		break;
	case OPT_LENIENT:
		o->lenient = true;
		break;
	}
}

/* What is only for answers that are checked. */
static void
check_schema_options(const struct cli *cli, const struct options *x)
{
	const struct engine_options *o = &x->command.engine;

	if (x->schema == NULL &&
	    (x->coerce || x->formats || o->repairs > 0 || o->escalate))
		cli_usage(cli, "%s is for --schema",
		    x->coerce        ? "--coerce"
		    : x->formats     ? "--check-formats"
		    : o->repairs > 0 ? "--repair"
				     : "--escalate");
	if (o->repairs == 0 &&
	    (o->nrepair_models > 0 || o->nrepair_temperatures > 0))
		cli_usage(cli, "%s is for --repair",
		    o->nrepair_models > 0 ? "--escalate-model"
					  : "--escalate-temperature");
	if (o->escalate && o->nfallback == 0)
		cli_usage(cli, "--escalate needs the models of --fallback");
}

void
options_read(struct options *x, int argc, char **argv)
{
	struct engine_options *o = &x->command.engine;
	struct cli cli;
	int key;

	x->command.classes = classes;
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (!engine_command_option(&x->command, &cli, key))
			parse_option(&cli, key, x);
	check_schema_options(&cli, x);
	engine_command_check(&x->command, &cli);
	o->files = cli.operands;
	o->nfiles = cli.noperands;
}

static void
free_list(const char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)(uintptr_t)list[i]);
	free(list);
}

void
options_release(struct options *x)
{
	struct engine_options *o = &x->command.engine;

	free(o->redo);
	free_list(o->fallback, o->nfallback);
	free_list(o->repair_models, o->nrepair_models);
	free_list(o->repair_temperatures, o->nrepair_temperatures);
}
