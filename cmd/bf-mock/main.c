/* bf-mock: a provider for tests and demonstrations. */
#include "base/mem.h"
#include "base/msg.h"
#include "child.h"
#include "io/cli.h"
#include "io/fdio.h"
#include "io/num.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	OPT_BODY = CLI_FIRST,
	OPT_CACHED,
	OPT_DROP,
	OPT_ERROR_ARRAY,
	OPT_ERROR_CODE,
	OPT_FAIL_FIRST,
	OPT_FAULT,
	OPT_FINISH_REASON,
	OPT_HANG,
	OPT_HOST,
	OPT_LATENCY,
	OPT_LOG,
	OPT_PORT,
	OPT_PRICE,
	OPT_REASONING,
	OPT_REPLIES,
	OPT_REPLY,
	OPT_REQUIRE_KEY,
	OPT_RETRY_AFTER,
	OPT_RPM,
	OPT_SCENARIO,
	OPT_STATUS,
	OPT_TOOL_CALLS,
	OPT_CUT,
	OPT_TPM,
	OPT_WINDOW,
};

static const struct cli_option options[] = {
    {OPT_REPLY, "reply", "TEMPLATE",
	"answer with this text; {prompt} {system} {model} {n} {request.FIELD}"},
    {OPT_REPLIES, "replies", "FILE",
	"answer with the reply whose match fits; JSON Lines"},
    {OPT_BODY, "body", "FILE", "answer every completion with these bytes"},
    {OPT_TOOL_CALLS, "tool-calls", NULL, "call a tool wherever there are any"},
    {OPT_CUT, "cut", NULL, "cut answers at the tokens that the request allows"},
    {OPT_FINISH_REASON, "finish-reason", "REASON",
	"why answers end (default stop)"},
    {OPT_CACHED, "cached", "PCT", "this part of each input was cached"},
    {OPT_REASONING, "reasoning", "N", "answers took N tokens of reasoning"},
    {OPT_PRICE, "price", "IN,OUT[,CACHED]",
	"USD per million tokens; of one model: MODEL=IN,OUT"},
    {OPT_LATENCY, "latency", "TIME", "answer after TIME, or between TIME-TIME"},
    {OPT_STATUS, "status", "CODE:P", "fail with status CODE with probability P"},
    {OPT_FAULT, "fault", "NAME:P", "do this to an answer with probability P"},
    {OPT_SCENARIO, "scenario", "FILE",
	"faults in phases, one phase a line; JSON Lines"},
    {OPT_RETRY_AFTER, "retry-after", "TEXT", "Retry-After of such a 429 or 503"},
    {OPT_ERROR_CODE, "error-code", "CODE", "code in the bodies of such failures"},
    {OPT_ERROR_ARRAY, "error-array", NULL,
	"Gemini's errors in an array of one element"},
    {OPT_FAIL_FIRST, "fail-first", "N:CODE",
	"fail each body N times before it is answered"},
    {OPT_RPM, "rpm", "N", "refuse more than N requests in a window"},
    {OPT_TPM, "tpm", "N", "refuse more than N tokens in a window"},
    {OPT_WINDOW, "window", "TIME", "of --rpm and --tpm (default 1m)"},
    {OPT_HANG, "hang", "N", "never answer the first N completions"},
    {OPT_DROP, "drop", "P", "close the connection instead, with probability P"},
    {'s', "seed", "SEED", "of all that is random (default 0)"},
    {OPT_REQUIRE_KEY, "require-key", "KEY", "refuse requests without this key"},
    {OPT_LOG, "log", "FILE", "write a JSON line for each request"},
    {OPT_HOST, "host", "ADDRESS", "listen there (default 127.0.0.1)"},
    {OPT_PORT, "port", "N", "listen on this port (default: one that is free)"},
    CLI_COMMON_BASIC,
    CLI_END,
};

static const struct cli_command command = {"bf-mock", "[OPTION...] [-- COMMAND...]",
    "a language model provider for tests", options};

#define WINDOW_US     60000000
#define REASONING_MAX 1000000000

struct mock {
	struct server_config server;
	struct buf body;
	bool faults, scenario; /* which of them was given */
};

static void
set_latency(struct cli *cli, struct provider_config *config)
{
	const char *dash = strchr(cli->arg, '-');
	struct span low = span_str(cli->arg), high = low;

	if (dash != NULL) {
		low.n = (size_t)(dash - cli->arg);
		high = span_str(dash + 1);
	}
	if (num_duration(low, &config->latency_min) == -1 ||
	    num_duration(high, &config->latency_max) == -1)
		cli_usage(
		    cli, "%s: no time or range of times: %s", cli->name, cli->arg);
	if (config->latency_min > config->latency_max)
		cli_usage(cli, "%s: the range ends before it begins: %s", cli->name,
		    cli->arg);
}

/* Splits "A:B"; a usage error if there is no colon. */
static void
split(struct cli *cli, struct span *before, struct span *after)
{
	const char *colon = strchr(cli->arg, ':');

	if (colon == NULL)
		cli_usage(cli, "%s: no colon in %s", cli->name, cli->arg);
	*before = span_of(cli->arg, (size_t)(colon - cli->arg));
	*after = span_str(colon + 1);
}

static int
parse_status(struct cli *cli, struct span text)
{
	uint64_t status;

	if (num_u64(text, &status) == -1 || status < 400 || status > 599)
		cli_usage(cli, "%s: the status must be from 400 to 599: %s",
		    cli->name, cli->arg);
	return (int)status;
}

/* NAME:P; with --status the name is a status. */
static void
add_fault(struct cli *cli, struct mock *m, bool status)
{
	struct span name, probability;
	struct err e;
	double p;

	if (m->scenario)
		cli_usage(cli, "%s: --scenario says it all", cli->name);
	m->faults = true;
	split(cli, &name, &probability);
	if (status)
		(void)parse_status(cli, name);
	if (num_fraction(probability, &p) == -1)
		cli_usage(
		    cli, "%s: no probability from 0 to 1: %s", cli->name, cli->arg);
	if (faults_add(&m->server.provider.faults, name, p, &e) == NULL)
		cli_usage(cli, "%s: %s", cli->name, e.text);
}

static void
load_scenario(struct cli *cli, struct mock *m)
{
	struct err e;

	if (m->faults || m->scenario)
		cli_usage(cli, "%s: only once, and without --fault and --status",
		    cli->name);
	m->scenario = true;
	if (faults_load(&m->server.provider.faults, cli->arg, &e) == -1)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

static void
set_fail_first(struct cli *cli, struct provider_config *config)
{
	struct span times, status;

	split(cli, &times, &status);
	if (num_u64(times, &config->fail_first) == -1)
		cli_usage(cli, "%s: no number: %s", cli->name, cli->arg);
	config->fail_status = parse_status(cli, status);
}

static void
set_reply(struct cli *cli, struct provider_config *config)
{
	struct err e;

	template_free(config->reply);
	if ((config->reply = template_parse(span_str(cli->arg), &e)) == NULL)
		cli_usage(cli, "%s: %s", cli->name, e.text);
}

static void
add_price(struct cli *cli, struct provider_config *config)
{
	struct err e;

	if (prices_add(&config->prices, span_str(cli->arg), &e) == -1)
		cli_usage(cli, "%s: %s", cli->name, e.text);
}

static void
set_replies(struct cli *cli, struct provider_config *config)
{
	struct err e;

	replies_free(config->replies);
	if ((config->replies = replies_load(cli->arg, &e)) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

static void
read_body(struct mock *m, const char *path)
{
	ssize_t got;
	int fd = fd_open(path, O_RDONLY, 0);

	if (fd == -1)
		msg_die(STATUS_CANNOT, "%s: %s", path, strerror(errno));
	buf_clear(&m->body);
	while ((got = fd_read(fd, buf_room(&m->body, 1 << 16), 1 << 16)) > 0)
		m->body.len += (size_t)got;
	if (got == -1)
		msg_die(STATUS_CANNOT, "%s: %s", path, strerror(errno));
	fd_close(fd);
	m->server.provider.body = buf_span(&m->body);
}

/* It goes into a header as it is. */
static const char *
header_text(struct cli *cli)
{
	for (const char *p = cli->arg; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			cli_usage(cli, "%s: holds a control character", cli->name);
	return cli->arg;
}

/* It holds prompts: for nobody else to read. */
static void
open_log(struct server_config *config, const char *path)
{
	if (config->log_fd != -1)
		fd_close(config->log_fd);
	config->log_fd = fd_open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (config->log_fd == -1)
		msg_die(STATUS_CANNOT, "%s: %s", path, strerror(errno));
}

static uint16_t
port_number(struct cli *cli)
{
	uint64_t port = cli_u64(cli);

	if (port > 65535)
		cli_usage(cli, "%s: no port: %s", cli->name, cli->arg);
	return (uint16_t)port;
}

static void
take_option(struct mock *m, struct cli *cli, int key)
{
	struct server_config *server = &m->server;
	struct provider_config *provider = &server->provider;

	switch (key) {
	case OPT_BODY:
		read_body(m, cli->arg);
		break;
	case OPT_CACHED:
		provider->cached_ppm = (uint64_t)(cli_fraction(cli) * 1e6 + 0.5);
		break;
	case OPT_DROP:
		provider->drop = cli_fraction(cli);
		break;
	case OPT_ERROR_ARRAY:
		provider->error_array = true;
		break;
	case OPT_ERROR_CODE:
		provider->error_code = cli->arg;
		break;
	case OPT_FAIL_FIRST:
		set_fail_first(cli, provider);
		break;
	case OPT_FAULT:
		add_fault(cli, m, false);
		break;
	case OPT_FINISH_REASON:
		provider->finish_reason = span_str(cli->arg);
		break;
	case OPT_HANG:
		provider->hang = cli_u64(cli);
		break;
	case OPT_HOST:
		server->host = cli->arg;
		break;
	case OPT_LATENCY:
		set_latency(cli, provider);
		break;
	case OPT_LOG:
		open_log(server, cli->arg);
		break;
	case OPT_PORT:
		server->port = port_number(cli);
		break;
	case OPT_PRICE:
		add_price(cli, provider);
		break;
	case OPT_REASONING:
		provider->reasoning = cli_u64(cli);
		if (provider->reasoning > REASONING_MAX)
			cli_usage(
			    cli, "%s: no more than %d", cli->name, REASONING_MAX);
		break;
	case OPT_REPLIES:
		set_replies(cli, provider);
		break;
	case OPT_REPLY:
		set_reply(cli, provider);
		break;
	case OPT_REQUIRE_KEY:
		server->key = cli->arg;
		break;
	case OPT_RETRY_AFTER:
		provider->retry_after = header_text(cli);
		break;
	case OPT_RPM:
		provider->limits.requests = cli_u64(cli);
		break;
	case OPT_SCENARIO:
		load_scenario(cli, m);
		break;
	case OPT_STATUS:
		add_fault(cli, m, true);
		break;
	case OPT_TOOL_CALLS:
		provider->tool_calls = true;
		break;
	case OPT_CUT:
		provider->cut = true;
		break;
	case OPT_TPM:
		provider->limits.tokens = cli_u64(cli);
		break;
	case OPT_WINDOW:
		provider->limits.window_us = cli_duration(cli);
		if (provider->limits.window_us <= 0)
			cli_usage(cli, "%s: no time: %s", cli->name, cli->arg);
		break;
	case 's':
		provider->seed = cli_u64(cli);
		break;
	}
}

static void
print_url(const char *url)
{
	struct buf line = BUF_INIT;

	buf_addf(&line, "%s\n", url);
	if (fd_write(STDOUT_FILENO, line.data, line.len) == -1)
		msg_die(STATUS_CANNOT, "cannot write the URL: %s", strerror(errno));
	buf_release(&line);
}

static void
tell(const struct server *s)
{
	struct buf stats = BUF_INIT;

	server_add_stats(s, &stats);
	msg_debug("%.*s", (int)stats.len - 1, stats.data);
	buf_release(&stats);
}

static void
release(struct mock *m)
{
	template_free(m->server.provider.reply);
	replies_free(m->server.provider.replies);
	faults_release(&m->server.provider.faults);
	prices_release(&m->server.provider.prices);
	buf_release(&m->body);
	if (m->server.log_fd != -1 && fd_close(m->server.log_fd) == -1)
		msg_die(STATUS_CANNOT, "cannot write the log: %s", strerror(errno));
}

int
main(int argc, char **argv)
{
	struct mock m = {.server = {
			     .host = "127.0.0.1",
			     .log_fd = -1,
			     .provider.limits.window_us = WINDOW_US,
			 }};
	struct server *server;
	struct cli cli;
	struct err e;
	int key, wake_fd;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		take_option(&m, &cli, key);
	child_raise_files();
	wake_fd = child_catch_signals();
	if ((server = server_start(&m.server, &e)) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (cli.noperands > 0)
		child_start(cli.operands, server_url(server),
		    m.server.key != NULL ? m.server.key : "mock");
	else
		print_url(server_url(server));
	if (server_run(server, wake_fd, child_ended, &e) == -1) {
		child_stop();
		msg_die(STATUS_CANNOT, "%s", e.text);
	}
	tell(server);
	server_stop(server);
	release(&m);
	return child_status();
}
