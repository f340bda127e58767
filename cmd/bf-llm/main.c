/* bf-llm: has entries answered by a language model. */
#include "base/mem.h"
#include "base/msg.h"
#include "engine/engine.h"
#include "io/cli.h"
#include "io/fdio.h"
#include "io/num.h"
#include "io/secret.h"
#include "io/statusline.h"
#include "ledger/ledger.h"
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static enum statusline_when show_progress = STATUSLINE_AUTO;
static const char *prices_file; /* of --prices; NULL: none */

static void
draw_progress(const struct engine_progress *p)
{
	static struct progress_rates rates;
	struct buf line = BUF_INIT;

	progress_line(
	    &line, &rates, p, statusline_width(), statusline_has_colour());
	statusline_draw(buf_span(&line));
	buf_release(&line);
	if (p->ended)
		statusline_close();
}

static bool
is_said(enum engine_level level)
{
	return level <= ENGINE_WARN || msg_level() == MSG_VERBOSE ||
	       (level == ENGINE_INFO && msg_level() == MSG_NORMAL);
}

static void
say(enum engine_level level, const char *text)
{
	if (!is_said(level))
		return;
	statusline_hide();
	switch (level) {
	case ENGINE_ERROR:
		msg_error("%s", text);
		break;
	case ENGINE_WARN:
		msg_warn("%s", text);
		break;
	case ENGINE_INFO:
		msg_info("%s", text);
		break;
	case ENGINE_DEBUG:
		msg_debug("%s", text);
		break;
	}
	statusline_show();
}

static void
warn(const char *text)
{
	msg_warn("%s", text);
}

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
	    "conflict", "content_filter", "length", "not_cached", "not_found",
	    "rate_limit", "redirect", "refusal", "server", "timeout", "too_large",
	    "transport"};
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

/* A comma-separated list of models, once more. */
static void
parse_fallback(const struct cli *cli, struct engine_options *o)
{
	struct span model, bare, provider;
	const char *p = cli->arg;
	struct err e = ERR_INIT;

	for (;; p += model.n + 1) {
		model = span_of(p, strcspn(p, ","));
		if (provider_split(model, &bare, &provider, &e) != 0)
			cli_usage(cli, "--fallback: %s", e.text);
		o->fallback = mem_resize(
		    o->fallback, o->nfallback + 1, sizeof *o->fallback);
		o->fallback[o->nfallback++] = mem_strndup(model.p, model.n);
		if (p[model.n] == '\0')
			return;
	}
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
add_limit(struct buf *b, int64_t n)
{
	if (n == 0)
		buf_adds(b, "\t-");
	else
		buf_addf(b, "\t%" PRId64, n);
}

static _Noreturn void
list_providers(void)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	const struct provider *p;
	const char *key;
	struct providers *ps = providers_new(
	    &(struct provider_options){.report = warn}, &e);

	if (ps == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	for (size_t i = 0; (p = providers_at(ps, i)) != NULL; i++) {
		key = p->key_variable == NULL ? NULL : getenv(p->key_variable);
		buf_addf(&out, "%s\t%s\t%s\t%s\t%s", p->name, p->dialect->name,
		    p->base_url, p->key_variable == NULL ? "-" : p->key_variable,
		    p->key_variable == NULL       ? "-"
		    : key == NULL || *key == '\0' ? "not set"
						  : "set");
		add_limit(&out, p->rpm);
		add_limit(&out, p->tpm);
		buf_addc(&out, '\n');
	}
	if (fd_write(STDOUT_FILENO, out.data, out.len) != 0)
		msg_die(STATUS_CANNOT, "standard output: %s", strerror(errno));
	exit(STATUS_OK);
}

static void
parse_option(const struct cli *cli, int key, struct engine_options *o,
    struct provider_options *p, bool *no_ledger)
{
	switch (key) {
	case 'm':
		o->model = cli->arg;
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
		*no_ledger = true;
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
		list_providers();
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
		o->cacert = cli->arg;
		break;
	case OPT_HTTP1_1:
		o->http1_only = true;
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
		o->timeout_us = parse_time(cli);
		break;
	case OPT_CONNECT_TIMEOUT:
		o->connect_timeout_us = parse_time(cli);
		break;
	case OPT_FIRST_BYTE_TIMEOUT:
		o->first_byte_us = parse_time(cli);
		break;
	case OPT_STALL_TIMEOUT:
		o->stall_us = parse_time(cli);
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
		parse_fallback(cli, o);
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
		prices_file = cli->arg;
		break;
	case OPT_ACCEPT:
		o->accept = parse_accept(cli);
		break;
	case OPT_STREAM:
		o->stream = true;
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
		show_progress = parse_progress(cli);
		break;
	}
}

/* Options that say the opposite of each other. */
static void
check_ledger_options(
    const struct cli *cli, const struct engine_options *o, bool no_ledger)
{
	const char *what = o->cached_only ? "--cached-only"
			   : o->refresh   ? "--refresh"
			   : o->nredo > 0 ? "--redo"
					  : NULL;

	if (o->budget_window_us > 0 && o->max_cost < 0 && o->max_tokens_total < 0)
		cli_usage(cli, "--budget-window is for --max-cost and "
			       "--max-tokens-total");
	if (no_ledger && o->budget_window_us > 0)
		cli_usage(
		    cli, "--budget-window and --no-ledger contradict each other");
	if (no_ledger && what != NULL)
		cli_usage(cli, "%s and --no-ledger contradict each other", what);
	if (o->plan != NULL && o->cached_only)
		cli_usage(cli, "--plan and --cached-only contradict each other");
	if (o->cached_only && (o->refresh || o->nredo > 0))
		cli_usage(cli, "--cached-only and %s contradict each other",
		    o->refresh ? "--refresh" : "--redo");
	if (o->refresh && o->nredo > 0)
		cli_usage(cli, "--refresh asks all anew: leave out --redo");
}

static void
parse_options(struct cli *cli, struct engine_options *o, struct provider_options *p)
{
	bool no_ledger = false;
	int key;

	o->ledger = ledger_default();
	while ((key = cli_next(cli)) != CLI_DONE)
		parse_option(cli, key, o, p, &no_ledger);
	check_ledger_options(cli, o, no_ledger);
	if (no_ledger)
		o->ledger = NULL;
	/* What a run would write is not written. */
	if (o->plan != NULL)
		o->errors = o->stats = o->metrics = NULL;
	if (o->window == 0)
		cli_usage(cli, "--window takes a size of 1 or more");
	o->files = cli->operands;
	o->nfiles = cli->noperands;
	o->keep_going = cli->keep_going;
	o->max_line = cli->max_line;
}

/* What is wrong with the provider that is meant is told at once. */
static struct providers *
open_providers(const char *model, struct provider_options *po)
{
	struct span bare, name = SPAN(PROVIDER_DEFAULT);
	struct err e = ERR_INIT;
	struct providers *ps;

	if (model != NULL && provider_split(span_str(model), &bare, &name, &e) != 0)
		msg_die(STATUS_CANNOT, "-m: %s", e.text);
	po->name = name.p; /* at the end of model, or a literal */
	ps = providers_new(po, &e);
	if (ps == NULL || providers_get(ps, name, &e) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return ps;
}

static void
check_fallback(const struct engine_options *o, struct providers *ps)
{
	struct span bare, name;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < o->nfallback; i++)
		if (provider_split(span_str(o->fallback[i]), &bare, &name, &e) !=
			0 ||
		    providers_get(ps, name, &e) == NULL)
			msg_die(STATUS_CANNOT, "--fallback: %s", e.text);
}

static struct prices *
open_prices(void)
{
	struct err e = ERR_INIT;
	struct prices *prices = prices_new(prices_file, &e);

	if (prices == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return prices;
}

int
main(int argc, char **argv)
{
	struct engine_options o = {
	    .jobs = 16,
	    .attempts = 4,
	    .max_calls = UINT64_MAX,
	    .max_cost = -1,
	    .max_tokens_total = -1,
	    .fail_over = 1,
	    .timeout_us = INT64_C(600000000),
	    .connect_timeout_us = INT64_C(10000000),
	    .stall_us = INT64_C(60000000),
	    .max_wait_us = INT64_C(600000000),
	    .window = (uint64_t)256 << 20,
	    .say = say,
	};
	struct provider_options po = {.report = warn};
	struct providers *ps;
	struct prices *prices;
	struct cli cli;
	int status, signo;

	/* One thread frees what another took: of two arenas both would fray. */
	(void)mallopt(M_ARENA_MAX, 1);
	cli_start(&cli, &command, argc, argv);
	fd_tell_of(SIGUSR1);
	parse_options(&cli, &o, &po);
	ps = open_providers(o.model, &po);
	check_fallback(&o, ps);
	o.prices = prices = open_prices();
	/* Answers that are paid for must outlive a reader who went away. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fd_catch_stop();
	if (show_progress == STATUSLINE_AUTO && msg_level() == MSG_QUIET)
		show_progress = STATUSLINE_NEVER;
	if (statusline_open(show_progress))
		o.progress = draw_progress;
	status = engine_run(&o, ps, &signo);
	statusline_close();
	providers_free(ps);
	prices_free(prices);
	free(o.redo);
	free(o.abort_on);
	for (size_t i = 0; i < o.nfallback; i++)
		free((char *)(uintptr_t)o.fallback[i]);
	free(o.fallback);
	if (signo != 0)
		fd_die_of(signo);
	return status;
}
