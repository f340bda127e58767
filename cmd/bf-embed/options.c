/* What bf-embed is told. */
#include "options.h"

#include <limits.h>
#include <string.h>

enum {
	OPT_TEXT = CLI_FIRST,
	OPT_TO,
	OPT_DIMENSIONS,
	OPT_ENCODE,
	OPT_TASK,
	OPT_PER_REQUEST,
};

#define REQUESTS_MOST 1000

static const struct cli_option options[] = {
    {'m', "model", "MODEL", "MODEL or MODEL@PROVIDER"},
    {OPT_TEXT, "text", "TEXT",
	"what of an entry: a field, or a template (default: text)"},
    {OPT_TO, "to", "FIELD", "the field for the vector (default: embedding)"},
    {OPT_DIMENSIONS, "dimensions", "N", "ask for vectors of N numbers"},
    {OPT_ENCODE, "encode", NULL, "put out base64 of float32, not an array"},
    {OPT_TASK, "task", "TYPE", "what they are for, as Gemini calls it"},
    {OPT_PER_REQUEST, "per-request", "N",
	"texts of a request at most (default: as many as are taken)"},
    {'j', "jobs", "N", "requests in flight at most (default 8)"},
    {ENGINE_BASE_URL, "base-url", "URL",
	"where calls go (default $OPENAI_BASE_URL)"},
    {ENGINE_ENDPOINT, "endpoint", "NAME",
	"name that server's answers are kept under"},
    {ENGINE_KEY_FILE, "key-file", "FILE",
	"read the key here, not in $OPENAI_API_KEY"},
    {ENGINE_CACERT, "cacert", "FILE", "certificates to trust, in PEM"},
    {ENGINE_HTTP1_1, "http1.1", NULL, "speak no HTTP/2"},
    {ENGINE_TPM, "tpm", "N", "tokens a minute at most"},
    {ENGINE_ATTEMPTS, "attempts", "N", "attempts per text (default 4)"},
    {ENGINE_TIMEOUT, "timeout", "TIME", "of a request (default 10m)"},
    {ENGINE_CONNECT_TIMEOUT, "connect-timeout", "TIME", "to connect (default 10s)"},
    {ENGINE_STALL_TIMEOUT, "stall-timeout", "TIME",
	"without a byte, once an answer began (default 60s)"},
    {ENGINE_MAX_WAIT, "max-wait", "TIME",
	"longest wait a server may ask for (default 10m)"},
    {ENGINE_MAX_COST, "max-cost", "USD",
	"stop before the calls of this run cost more"},
    {ENGINE_MAX_TOKENS_TOTAL, "max-tokens-total", "N",
	"stop before they take more tokens"},
    {ENGINE_BUDGET_WINDOW, "budget-window", "TIME",
	"have both count what the ledger has of the last, say, 24h too"},
    {ENGINE_PRICES, "prices", "FILE",
	"prices of more models, as LiteLLM's list has them"},
    ENGINE_OPTIONS,
    CLI_COMMON,
    CLI_END,
};

static const struct cli_command command = {"bf-embed",
    "-m MODEL [--text FIELD|TEMPLATE] [--dimensions N] [-l DIR] [FILE...]",
    "have texts made into vectors", options};

static const char *const classes[] = {"auth", "bad_answer", "bad_request",
    "conflict", "gave_up", "not_cached", "not_found", "rate_limit", "redirect",
    "server", "timeout", "too_large", "transport", NULL};

/* A field's path is a template of that field alone. */
static void
set_text(struct options *x, const struct cli *cli, struct span text)
{
	struct buf template = BUF_INIT;
	struct err e = ERR_INIT;

	template_free(x->text);
	if (memchr(text.p, '{', text.n) == NULL) {
		buf_addc(&template, '{');
		buf_addspan(&template, text);
		buf_addc(&template, '}');
		text = buf_span(&template);
	}
	x->text = template_parse(text, &e);
	if (x->text == NULL)
		cli_usage(cli, "--text: %s", e.text);
	if (template_is_constant(x->text))
		cli_usage(cli, "--text: there is no field in it");
	x->embed.text = x->text;
	buf_release(&template);
}

static void
parse_option(const struct cli *cli, int key, struct options *x)
{
	struct embed_options *m = &x->embed;

	switch (key) {
	case 'm':
		m->model = cli->arg;
		break;
	case 'j':
		m->requests = (unsigned)cli_count(cli, REQUESTS_MOST);
		break;
	case OPT_TEXT:
		set_text(x, cli, span_str(cli->arg));
		break;
	case OPT_TO:
		if (*cli->arg == '\0')
			cli_usage(cli, "--to takes the name of a field");
		m->field = cli->arg;
		break;
	case OPT_DIMENSIONS:
		m->dimensions = (int64_t)cli_count(cli, INT_MAX);
		break;
	case OPT_ENCODE:
		m->base64 = true;
		break;
	case OPT_TASK:
		m->task = cli->arg;
		break;
	case OPT_PER_REQUEST:
		m->per_request = (unsigned)cli_count(cli, INT_MAX);
		break;
	}
}

void
options_read(struct options *x, int argc, char **argv)
{
	struct engine_options *o = &x->command.engine;
	struct cli cli;
	int key;

	x->command.classes = classes;
	cli_start(&cli, &command, argc, argv);
	/* -j counts requests here, which the engine does not know of. */
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (key == 'j' || !engine_command_option(&x->command, &cli, key))
			parse_option(&cli, key, x);
	if (x->embed.model == NULL)
		cli_usage(&cli, "-m MODEL is missing");
	if (x->text == NULL)
		set_text(x, &cli, SPAN("text"));
	engine_command_check(&x->command, &cli);
	o->files = cli.operands;
	o->nfiles = cli.noperands;
}

void
options_release(struct options *x)
{
	template_free(x->text);
}
