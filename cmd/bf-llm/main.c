/* bf-llm: has entries answered by a language model. */
#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	    &(struct provider_options){.report = engine_command_warn}, &e);

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
check_models(
    const char *option, const char *const *models, size_t n, struct providers *ps)
{
	struct span bare, name;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		if (provider_split(span_str(models[i]), &bare, &name, &e) != 0 ||
		    providers_get(ps, name, &e) == NULL)
			msg_die(STATUS_CANNOT, "%s: %s", option, e.text);
}

static struct judge *
open_judge(const struct options *x)
{
	struct err e = ERR_INIT;
	struct judge *j;

	if (x->schema == NULL)
		return NULL;
	j = judge_new(x->schema, x->coerce, x->formats, &e);
	if (j == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return j;
}

/* What is wrong with what was asked for is told before anything is done. */
static struct providers *
open_all(struct options *x)
{
	struct engine_options *o = &x->command.engine;
	struct providers *ps = engine_command_providers(
	    &x->command, x->llm.model, NULL);

	check_models("--fallback", o->fallback, o->nfallback, ps);
	check_models("--escalate-model", o->repair_models, o->nrepair_models, ps);
	o->judge = open_judge(x);
	o->prices = engine_command_prices(&x->command);
	return ps;
}

int
main(int argc, char **argv)
{
	struct options x = {.llm.http = &x.command.http};
	struct broker *broker;
	int status;

	engine_command_init(&x.command);
	options_read(&x, argc, argv);
	if (x.list_providers)
		list_providers();
	x.llm.providers = open_all(&x);
	broker = llm_new(&x.llm);
	status = engine_command_run(&x.command, broker);
	llm_free(broker);
	providers_free(x.llm.providers);
	prices_free(x.command.engine.prices);
	judge_free(x.command.engine.judge);
	options_release(&x);
	return status;
}
