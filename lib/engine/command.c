#include "engine/command.h"

#include "base/mem.h"
#include "base/msg.h"
#include "engine/progress.h"
#include "io/fdio.h"
#include "io/visible.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- messages and the status line ---- */

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

void
engine_command_warn(const char *text)
{
	msg_warn("%s", text);
}

/* ---- providers and prices ---- */

struct providers *
engine_command_providers(
    struct engine_command *x, const char *model, const struct provider **p)
{
	struct span bare, name = SPAN(PROVIDER_DEFAULT);
	const struct provider *found = NULL;
	struct err e = ERR_INIT;
	struct providers *ps;

	if (model != NULL && provider_split(span_str(model), &bare, &name, &e) != 0)
		msg_die(STATUS_CANNOT, "-m: %s", e.text);
	x->provider.name = name.p; /* at the end of model, or a literal */
	ps = providers_new(&x->provider, &e);
	if (ps == NULL || (found = providers_get(ps, name, &e)) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (p != NULL)
		*p = found;
	return ps;
}

struct prices *
engine_command_prices(const struct engine_command *x)
{
	struct err e = ERR_INIT;
	struct prices *prices = prices_new(x->prices, &e);

	if (prices == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return prices;
}

/* ---- --plan ---- */

/* 950, 12.3k, 1.20M */
static void
add_count(struct buf *b, double n)
{
	if (n < 9999.5)
		buf_addf(b, "%.0f", n);
	else if (n < 999950)
		buf_addf(b, "%.1fk", n / 1e3);
	else
		buf_addf(b, "%.2fM", n / 1e6);
}

static void
add_usd(struct buf *b, double n)
{
	price_add_rounded(b, (price_nano)(n * 1e9 + 0.5));
}

/* Likely, and from least to most. */
static void
add_range(struct buf *line, const struct engine_range *r,
    void (*add)(struct buf *b, double n), int width)
{
	struct buf likely = BUF_INIT, wide = BUF_INIT;

	add(&likely, r->likely);
	buf_addc(&wide, '(');
	add(&wide, r->least);
	buf_addc(&wide, '-');
	add(&wide, r->most);
	buf_addc(&wide, ')');
	buf_addf(line, "  %*s", width, buf_cstr(&likely));
	buf_addf(line, " %-*s", 2 * width + 3, buf_cstr(&wide));
	buf_release(&likely);
	buf_release(&wide);
}

static size_t
names_width(const struct engine_plan *p)
{
	size_t width = 5, n;

	for (size_t i = 0; i < p->nmodels; i++) {
		n = visible_width(p->models[i].name);
		width = n > width ? n : width;
	}
	return width;
}

/* Lines end where their last word does. */
static void
end_line(struct buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_addc(out, '\n');
}

static void
add_model(
    struct buf *out, const struct engine_plan_model *m, size_t width, bool mute)
{
	visible_add_column(out, m->name, width);
	buf_addf(out, "  %9" PRIu64, m->calls);
	add_range(out, &m->in, add_count, 7);
	if (!mute)
		add_range(out, &m->out, add_count, 7);
	if (m->priced)
		add_range(out, &m->usd, add_usd, 8);
	else
		buf_adds(out, "  no price known");
	end_line(out);
}

/* Of several models. */
static void
add_total(struct buf *out, const struct engine_plan *p)
{
	struct engine_range usd = {0, 0, 0};

	for (size_t i = 0; i < p->nmodels; i++) {
		if (!p->models[i].priced)
			return;
		usd.likely += p->models[i].usd.likely;
		usd.least += p->models[i].usd.least;
		usd.most += p->models[i].usd.most;
	}
	if (p->nmodels < 2)
		return;
	buf_adds(out, "together");
	add_range(out, &usd, add_usd, 0);
	end_line(out);
}

/* What the numbers come from. */
static void
add_ground(struct buf *out, const struct engine_plan *p)
{
	size_t known = 0;

	for (size_t i = 0; i < p->nmodels; i++)
		known += p->models[i].learned_from > 0;
	if (known == p->nmodels)
		buf_adds(out, "as the answers in the ledger were");
	else
		buf_adds(out, "a guess: the ledger has too few answers of ");
	for (size_t i = 0, n = 0; known < p->nmodels && i < p->nmodels; i++) {
		if (p->models[i].learned_from > 0)
			continue;
		buf_adds(out, n++ > 0 ? ", " : "");
		visible_add_line(out, p->models[i].name);
	}
	if (p->seconds >= 0) {
		buf_adds(out, "; about ");
		if (p->seconds < 100)
			buf_addf(out, "%.*f s", p->seconds < 10, p->seconds);
		else if (p->seconds < 6000)
			buf_addf(out, "%.0f min", p->seconds / 60);
		else
			buf_addf(out, "%.1f h", p->seconds / 3600);
	}
	buf_addc(out, '\n');
}

static void
print_plan(const struct engine_plan *p)
{
	struct buf out = BUF_INIT;
	size_t width = names_width(p);

	buf_addf(&out,
	    "%" PRIu64 " entr%s: %" PRIu64 " to ask, %" PRIu64
	    " from the ledger, %" PRIu64 " the same as others",
	    p->entries, p->entries == 1 ? "y" : "ies", p->calls, p->hits, p->same);
	if (p->bad > 0)
		buf_addf(&out, ", %" PRIu64 " that cannot be asked", p->bad);
	buf_addc(&out, '\n');
	if (p->calls > 0 && p->costs) {
		buf_addc(&out, '\n');
		visible_add_column(&out, SPAN("model"), width);
		buf_addf(&out, "  %9s  %7s %-17s", "calls", "in", "");
		if (!p->mute)
			buf_addf(&out, "  %7s %-17s", "out", "");
		buf_addf(&out, "  %8s", "USD");
		end_line(&out);
		for (size_t i = 0; i < p->nmodels; i++)
			add_model(&out, &p->models[i], width, p->mute);
		add_total(&out, p);
		buf_addc(&out, '\n');
		add_ground(&out, p);
	}
	if (fd_write(STDOUT_FILENO, out.data, out.len) != 0)
		msg_die(STATUS_CANNOT, "standard output: %s", strerror(errno));
	buf_release(&out);
}

/* ---- options ---- */

/* A comma-separated list of what entries fail with, once more. */
static void
parse_abort_on(
    const struct cli *cli, struct engine_options *o, const char *const *classes)
{
	const char *p = cli->arg;
	size_t i, n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		for (i = 0; classes[i] != NULL; i++)
			if (span_eq(span_of(p, n), span_str(classes[i])))
				break;
		if (classes[i] == NULL)
			cli_usage(cli,
			    "--abort-on: entries fail with no class \"%.*s\"; "
			    "%s(1) lists those there are",
			    (int)n, p, msg_program());
		o->abort_on = mem_resize(
		    o->abort_on, o->nabort_on + 1, sizeof *o->abort_on);
		o->abort_on[o->nabort_on++] = classes[i];
		if (p[n] == '\0')
			return;
	}
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

void
engine_command_init(struct engine_command *x)
{
	*x = (struct engine_command){.progress = STATUSLINE_AUTO,
	    .http = {.timeout_us = INT64_C(600000000),
		.connect_timeout_us = INT64_C(10000000),
		.stall_us = INT64_C(60000000)},
	    .provider = {.report = engine_command_warn},
	    .engine = {
		.jobs = 16,
		.attempts = 4,
		.max_calls = UINT64_MAX,
		.max_cost = -1,
		.max_tokens_total = -1,
		.fail_over = 1,
		.max_wait_us = INT64_C(600000000),
		.window = (uint64_t)256 << 20,
		.ledger = ledger_default(),
		.say = say,
	    }};
}

static bool
take_http_option(struct engine_command *x, const struct cli *cli, int key)
{
	struct engine_options *o = &x->engine;
	struct http_options *h = &x->http;

	switch (key) {
	case ENGINE_RPM:
		o->rpm = (int64_t)cli_count(cli, ENGINE_RATE_MAX);
		break;
	case ENGINE_TPM:
		o->tpm = (int64_t)cli_count(cli, ENGINE_RATE_MAX);
		break;
	case ENGINE_MAX_WAIT:
		o->max_wait_us = cli_duration(cli);
		break;
	case ENGINE_TIMEOUT:
		h->timeout_us = cli_time(cli);
		break;
	case ENGINE_CONNECT_TIMEOUT:
		h->connect_timeout_us = cli_time(cli);
		break;
	case ENGINE_FIRST_BYTE_TIMEOUT:
		h->first_byte_us = cli_time(cli);
		break;
	case ENGINE_STALL_TIMEOUT:
		h->stall_us = cli_time(cli);
		break;
	case ENGINE_CACERT:
		h->cacert = cli->arg;
		break;
	case ENGINE_HTTP1_1:
		h->http1_only = true;
		break;
	default:
		return false;
	}
	return true;
}

static bool
take_provider_option(struct engine_command *x, const struct cli *cli, int key)
{
	struct engine_options *o = &x->engine;

	switch (key) {
	case ENGINE_BASE_URL:
		x->provider.base_url = cli->arg;
		break;
	case ENGINE_ENDPOINT:
		x->provider.endpoint = cli->arg;
		break;
	case ENGINE_KEY_FILE:
		x->provider.key_file = cli->arg;
		break;
	case ENGINE_PRICES:
		x->prices = cli->arg;
		break;
	case ENGINE_MAX_COST:
		if (price_parse_usd(span_str(cli->arg), &o->max_cost) != 0)
			cli_usage(cli,
			    "--max-cost takes an amount in US dollars, such as "
			    "2.50, not \"%s\"",
			    cli->arg);
		break;
	case ENGINE_MAX_TOKENS_TOTAL:
		o->max_tokens_total = (int64_t)cli_count(cli, INT64_MAX / 4);
		break;
	case ENGINE_BUDGET_WINDOW:
		o->budget_window_us = cli_time(cli);
		break;
	default:
		return false;
	}
	return true;
}

bool
engine_command_option(struct engine_command *x, const struct cli *cli, int key)
{
	struct engine_options *o = &x->engine;

	switch (key) {
	case 'j':
		o->jobs_auto = strcmp(cli->arg, "auto") == 0;
		o->jobs = o->jobs_auto ? ENGINE_AUTO_MOST : cli_count(cli, 100000);
		break;
	case 'l':
		o->ledger = cli->arg;
		break;
	case ENGINE_NO_LEDGER:
		x->no_ledger = true;
		break;
	case ENGINE_CACHED_ONLY:
		o->cached_only = true;
		break;
	case ENGINE_REFRESH:
		o->refresh = true;
		break;
	case ENGINE_SYNC:
		o->sync = parse_sync(cli);
		break;
	case ENGINE_PLAN:
		o->plan = print_plan;
		break;
	case ENGINE_ATTEMPTS:
		o->attempts = cli_count(cli, 1000);
		break;
	case ENGINE_DEADLINE:
		o->deadline_us = cli_time(cli);
		break;
	case ENGINE_FAIL_OVER:
		o->fail_over = cli_fraction(cli);
		break;
	case ENGINE_ABORT_ON:
		parse_abort_on(cli, o, x->classes);
		break;
	case ENGINE_MAX_CALLS:
		o->max_calls = cli_u64(cli);
		break;
	case ENGINE_UNORDERED:
		o->unordered = true;
		break;
	case ENGINE_WINDOW:
		o->window = cli_size(cli);
		break;
	case CLI_ERRORS:
		o->errors = cli->arg;
		break;
	case ENGINE_STATS:
		o->stats = cli->arg;
		break;
	case ENGINE_METRICS:
		o->metrics = cli->arg;
		break;
	case ENGINE_PROGRESS:
		x->progress = parse_progress(cli);
		break;
	default:
		return take_http_option(x, cli, key) ||
		       take_provider_option(x, cli, key);
	}
	return true;
}

/* Options that say the opposite of each other. */
static void
check_ledger_options(const struct cli *cli, const struct engine_command *x)
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

void
engine_command_check(struct engine_command *x, const struct cli *cli)
{
	struct engine_options *o = &x->engine;

	check_ledger_options(cli, x);
	if (o->window == 0)
		cli_usage(cli, "--window takes a size of 1 or more");
	if (x->no_ledger)
		o->ledger = NULL;
	/* What a run would write is not written. */
	if (o->plan != NULL)
		o->errors = o->stats = o->metrics = NULL;
	o->keep_going = cli->keep_going;
	o->max_line = cli->max_line;
}

/* ---- the run ---- */

static void
open_progress(struct engine_command *x)
{
	if (x->progress == STATUSLINE_AUTO && msg_level() == MSG_QUIET)
		x->progress = STATUSLINE_NEVER;
	if (statusline_open(x->progress))
		x->engine.progress = draw_progress;
}

int
engine_command_run(struct engine_command *x, struct broker *b)
{
	int status, signo;

	/* One thread frees what another took: of two arenas both would fray. */
	(void)mallopt(M_ARENA_MAX, 1);
	fd_tell_of(SIGUSR1);
	/* Answers that are paid for must outlive a reader who went away. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fd_catch_stop();
	open_progress(x);
	status = engine_run(&x->engine, b, &signo);
	statusline_close();
	free(x->engine.abort_on);
	if (signo != 0)
		fd_die_of(signo);
	return status;
}
