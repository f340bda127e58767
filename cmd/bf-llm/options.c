/* What bf-llm is told. */
#include "options.h"

#include "base/mem.h"
#include "io/num.h"
#include "plan.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	OPT_BASE_URL = CLI_FIRST,
	OPT_ENDPOINT,
	OPT_KEY_FILE,
	OPT_RPM,
	OPT_TPM,
	OPT_ATTEMPTS,
	OPT_TIMEOUT,
	OPT_CONNECT_TIMEOUT,
	OPT_FIRST_BYTE_TIMEOUT,
	OPT_STALL_TIMEOUT,
	OPT_MAX_WAIT,
	OPT_DEADLINE,
	OPT_FAIL_OVER,
	OPT_ABORT_ON,
	OPT_HEDGE,
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
	OPT_MAX_CALLS,
	OPT_MAX_COST,
	OPT_MAX_TOKENS_TOTAL,
	OPT_BUDGET_WINDOW,
	OPT_PRICES,
	OPT_ACCEPT,
	OPT_LENIENT,
	OPT_STREAM,
	OPT_UNORDERED,
	OPT_WINDOW,
	OPT_NO_LEDGER,
	OPT_CACHED_ONLY,
	OPT_REFRESH,
	OPT_REDO,
	OPT_SYNC,
	OPT_CACERT,
	OPT_HTTP1_1,
	OPT_STATS,
	OPT_METRICS,
	OPT_PROGRESS,
	OPT_LIST_PROVIDERS,
	OPT_PLAN,
};

static const struct cli_option options[] = {
    {'m', "model", "MODEL",
	"model of entries that name none: MODEL or MODEL@PROVIDER"},
    {'j', "jobs", "N", "calls in flight at most (default 16), or auto"},
    {'l', "ledger", "DIR",
	"where answers are kept (default $BF_LEDGER, else .bf/ledger)"},
    {OPT_NO_LEDGER, "no-ledger", NULL, "keep and reuse no answers"},
    {OPT_CACHED_ONLY, "cached-only", NULL,
	"send nothing: take what the ledger has"},
    {OPT_REFRESH, "refresh", NULL, "ask all anew, whatever the ledger has"},
    {OPT_REDO, "redo", "FIELD=VALUE",
	"ask anew where finish_reason, model or refusal is VALUE"},
    {OPT_SYNC, "sync", "WHEN",
	"have the disk confirm: second (default), always, never"},
    {OPT_PLAN, "plan", NULL,
	"send nothing: say how much would be asked, and what it would cost"},
    {OPT_LIST_PROVIDERS, "list-providers", NULL,
	"show which providers are known, and end"},
    {OPT_BASE_URL, "base-url", "URL", "where calls go (default $OPENAI_BASE_URL)"},
    {OPT_ENDPOINT, "endpoint", "NAME", "name that server's answers are kept under"},
    {OPT_KEY_FILE, "key-file", "FILE", "read the key here, not in $OPENAI_API_KEY"},
    {OPT_CACERT, "cacert", "FILE", "certificates to trust, in PEM"},
    {OPT_HTTP1_1, "http1.1", NULL, "speak no HTTP/2"},
    {OPT_RPM, "rpm", "N", "requests a minute at most, to each model"},
    {OPT_TPM, "tpm", "N", "tokens a minute at most, of each model"},
    {OPT_ATTEMPTS, "attempts", "N", "attempts per call (default 4)"},
    {OPT_TIMEOUT, "timeout", "TIME", "of an attempt (default 10m)"},
    {OPT_CONNECT_TIMEOUT, "connect-timeout", "TIME", "to connect (default 10s)"},
    {OPT_FIRST_BYTE_TIMEOUT, "first-byte-timeout", "TIME",
	"to the first byte of an answer (default: that of the attempt)"},
    {OPT_STALL_TIMEOUT, "stall-timeout", "TIME",
	"without a byte, once an answer began (default 60s)"},
    {OPT_MAX_WAIT, "max-wait", "TIME",
	"longest wait a server may ask for (default 10m)"},
    {OPT_DEADLINE, "deadline", "TIME", "stop sending after this time"},
    {OPT_FAIL_OVER, "fail-over", "PERCENT",
	"stop when more of the entries fail: 5% or 0.05"},
    {OPT_ABORT_ON, "abort-on", "CLASS",
	"stop when an entry fails with one of these classes"},
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
    {OPT_MAX_CALLS, "max-calls", "N", "stop after N calls, attempts counted"},
    {OPT_MAX_COST, "max-cost", "USD",
	"stop before the calls of this run cost more"},
    {OPT_MAX_TOKENS_TOTAL, "max-tokens-total", "N",
	"stop before they take more tokens, in and out"},
    {OPT_BUDGET_WINDOW, "budget-window", "TIME",
	"have both count what the ledger has of the last, say, 24h too"},
    {OPT_PRICES, "prices", "FILE",
	"prices of more models, as LiteLLM's list has them"},
    {OPT_ACCEPT, "accept", "LIST",
	"take answers that ended in length, content_filter, refusal"},
    {OPT_LENIENT, "lenient", NULL,
	"leave out, with a warning, what a provider cannot be asked"},
    {OPT_STREAM, "stream", NULL,
	"have answers sent in pieces, and put them together"},
    {OPT_UNORDERED, "unordered", NULL, "put entries out as they are answered"},
    {OPT_WINDOW, "window", "SIZE",
	"bytes of entries held for their turn (default 256M)"},
    {CLI_ERRORS, "errors", "FILE", "put failed entries into FILE"},
    {OPT_STATS, "stats", "FILE", "write what the run did to FILE, as JSON"},
    {OPT_METRICS, "metrics", "FILE",
	"keep that in FILE as it runs, as Prometheus text"},
    {OPT_PROGRESS, "progress", "WHEN",
	"show how far it is: auto (on a terminal, default), always, never"},
    CLI_COMMON,
    CLI_END,
};

static const struct cli_command command = {"bf-llm",
    "[-j N] [-m MODEL] [-l DIR] [FILE...]",
    "have entries answered by a language model", options};

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

/* A comma-separated list of what entries fail with, once more. */
static void
parse_abort_on(const struct cli *cli, struct engine_options *o)
{
	static const char *const classes[] = {"auth", "bad_answer", "bad_request",
	    "conflict", "content_filter", "gave_up", "invalid", "length",
	    "not_cached", "not_found", "rate_limit", "redirect", "refusal",
	    "server", "timeout", "too_large", "transport", "whitespace_loop"};
	const size_t most = sizeof classes / sizeof classes[0];
	const char *p = cli->arg;
	size_t i, n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		for (i = 0; i < most; i++)
			if (span_eq(span_of(p, n), span_str(classes[i])))
				break;
		if (i == most)
			cli_usage(cli,
			    "--abort-on: entries fail with no class \"%.*s\"; "
			    "bf-llm(1) lists those there are",
			    (int)n, p);
		o->abort_on = mem_resize(
		    o->abort_on, o->nabort_on + 1, sizeof *o->abort_on);
		o->abort_on[o->nabort_on++] = classes[i];
		if (p[n] == '\0')
			return;
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

static enum statusline_when
parse_progress(const struct cli *cli)
{
	if (strcmp(cli->arg, "auto") == 0)
		return STATUSLINE_AUTO;
	if (strcmp(cli->arg, "always") == 0)
		return STATUSLINE_ALWAYS;
	if (strcmp(cli->arg, "never") == 0)
		return STATUSLINE_NEVER;
	cli_usage(
	    cli, "--progress takes auto, always or never, not \"%s\"", cli->arg);
}

static enum ledger_sync
parse_sync(const struct cli *cli)
{
	if (strcmp(cli->arg, "second") == 0)
		return LEDGER_SYNC_SECOND;
	if (strcmp(cli->arg, "always") == 0)
		return LEDGER_SYNC_ALWAYS;
	if (strcmp(cli->arg, "never") == 0)
		return LEDGER_SYNC_NEVER;
	cli_usage(
	    cli, "--sync takes second, always or never, not \"%s\"", cli->arg);
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

static uint64_t
parse_count(const struct cli *cli, uint64_t most)
{
	uint64_t n = cli_u64(cli);

	if (n < 1 || n > most)
		cli_usage(cli, "%s takes a number from 1 to %llu", cli->name,
		    (unsigned long long)most);
	return n;
}

static int64_t
parse_time(const struct cli *cli)
{
	int64_t us = cli_duration(cli);

	if (us <= 0)
		cli_usage(cli, "%s takes a time longer than none", cli->name);
	return us;
}

static void
parse_option(const struct cli *cli, int key, struct options *x)
{
	struct engine_options *o = &x->engine;
	struct provider_options *p = &x->provider;

	switch (key) {
	case 'm':
		x->llm.model = cli->arg;
		break;
	case 'j':
		o->jobs_auto = strcmp(cli->arg, "auto") == 0;
		o->jobs = o->jobs_auto ? ENGINE_AUTO_MOST
				       : parse_count(cli, 100000);
		break;
	case 'l':
		o->ledger = cli->arg;
		break;
	case OPT_NO_LEDGER:
		x->no_ledger = true;
		break;
	case OPT_CACHED_ONLY:
		o->cached_only = true;
		break;
	case OPT_REFRESH:
		o->refresh = true;
		break;
	case OPT_REDO:
		parse_redo(cli, o);
		break;
	case OPT_SYNC:
		o->sync = parse_sync(cli);
		break;
	case OPT_PLAN:
		o->plan = print_plan;
		break;
	case OPT_LIST_PROVIDERS:
		x->list_providers = true;
		break;
	case OPT_BASE_URL:
		p->base_url = cli->arg;
		break;
	case OPT_ENDPOINT:
		p->endpoint = cli->arg;
		break;
	case OPT_KEY_FILE:
		p->key_file = cli->arg;
		break;
	case OPT_CACERT:
		x->llm.cacert = cli->arg;
		break;
	case OPT_HTTP1_1:
		x->llm.http1_only = true;
		break;
	case OPT_RPM:
		o->rpm = (int64_t)parse_count(cli, ENGINE_RATE_MAX);
		break;
	case OPT_TPM:
		o->tpm = (int64_t)parse_count(cli, ENGINE_RATE_MAX);
		break;
	case OPT_ATTEMPTS:
		o->attempts = parse_count(cli, 1000);
		break;
	case OPT_TIMEOUT:
		x->llm.timeout_us = parse_time(cli);
		break;
	case OPT_CONNECT_TIMEOUT:
		x->llm.connect_timeout_us = parse_time(cli);
		break;
	case OPT_FIRST_BYTE_TIMEOUT:
		x->llm.first_byte_us = parse_time(cli);
		break;
	case OPT_STALL_TIMEOUT:
		x->llm.stall_us = parse_time(cli);
		break;
	case OPT_MAX_WAIT:
		o->max_wait_us = cli_duration(cli);
		break;
	case OPT_DEADLINE:
		o->deadline_us = parse_time(cli);
		break;
	case OPT_FAIL_OVER:
		o->fail_over = cli_fraction(cli);
		break;
	case OPT_ABORT_ON:
		parse_abort_on(cli, o);
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
		o->repairs = (unsigned)parse_count(cli, 100);
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
		o->grow_max_tokens = (int64_t)parse_count(cli, INT32_MAX);
		break;
	case OPT_WARM_PREFIX:
		o->warm_prefix = true;
		break;
	case OPT_MAX_CALLS:
		o->max_calls = cli_u64(cli);
		break;
	case OPT_MAX_COST:
		if (price_parse_usd(span_str(cli->arg), &o->max_cost) != 0)
			cli_usage(cli,
			    "--max-cost takes an amount in US dollars, such as "
			    "2.50, not \"%s\"",
			    cli->arg);
		break;
	case OPT_MAX_TOKENS_TOTAL:
		o->max_tokens_total = (int64_t)parse_count(cli, INT64_MAX / 4);
		break;
	case OPT_BUDGET_WINDOW:
		o->budget_window_us = parse_time(cli);
		break;
	case OPT_PRICES:
		x->prices = cli->arg;
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
	case OPT_UNORDERED:
		o->unordered = true;
		break;
	case OPT_WINDOW:
		o->window = cli_size(cli);
		break;
	case CLI_ERRORS:
		o->errors = cli->arg;
		break;
	case OPT_STATS:
		o->stats = cli->arg;
		break;
	case OPT_METRICS:
		o->metrics = cli->arg;
		break;
	case OPT_PROGRESS:
		x->progress = parse_progress(cli);
		break;
	}
}

/* Options that say the opposite of each other. */
static void
check_ledger_options(const struct cli *cli, const struct options *x)
{
	const struct engine_options *o = &x->engine;
	const char *what = o->cached_only ? "--cached-only"
			   : o->refresh   ? "--refresh"
			   : o->nredo > 0 ? "--redo"
					  : NULL;

	if (o->budget_window_us > 0 && o->max_cost < 0 && o->max_tokens_total < 0)
		cli_usage(cli, "--budget-window is for --max-cost and "
			       "--max-tokens-total");
	if (x->no_ledger && o->budget_window_us > 0)
		cli_usage(
		    cli, "--budget-window and --no-ledger contradict each other");
	if (x->no_ledger && what != NULL)
		cli_usage(cli, "%s and --no-ledger contradict each other", what);
	if (o->plan != NULL && o->cached_only)
		cli_usage(cli, "--plan and --cached-only contradict each other");
	if (o->cached_only && (o->refresh || o->nredo > 0))
		cli_usage(cli, "--cached-only and %s contradict each other",
		    o->refresh ? "--refresh" : "--redo");
	if (o->refresh && o->nredo > 0)
		cli_usage(cli, "--refresh asks all anew: leave out --redo");
}

/* What is only for answers that are checked. */
static void
check_schema_options(const struct cli *cli, const struct options *x)
{
	const struct engine_options *o = &x->engine;

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
	struct engine_options *o = &x->engine;
	struct cli cli;
	int key;

	o->ledger = ledger_default();
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		parse_option(&cli, key, x);
	check_ledger_options(&cli, x);
	check_schema_options(&cli, x);
	if (x->no_ledger)
		o->ledger = NULL;
	/* What a run would write is not written. */
	if (o->plan != NULL)
		o->errors = o->stats = o->metrics = NULL;
	if (o->window == 0)
		cli_usage(&cli, "--window takes a size of 1 or more");
	o->files = cli.operands;
	o->nfiles = cli.noperands;
	o->keep_going = cli.keep_going;
	o->max_line = cli.max_line;
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
	struct engine_options *o = &x->engine;

	free(o->redo);
	free(o->abort_on);
	free_list(o->fallback, o->nfallback);
	free_list(o->repair_models, o->nrepair_models);
	free_list(o->repair_temperatures, o->nrepair_temperatures);
}
