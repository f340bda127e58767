/* bf-embed: has texts made into vectors. */
#include "base/msg.h"
#include "options.h"

/* What is wrong with the provider that is meant is told at once. */
static struct providers *
open_providers(const char *model, struct provider_options *po)
{
	struct span bare, name;
	const struct provider *p;
	struct err e = ERR_INIT;
	struct providers *ps;

	if (provider_split(span_str(model), &bare, &name, &e) != 0)
		msg_die(STATUS_CANNOT, "-m: %s", e.text);
	po->name = name.p; /* at the end of model, or a literal */
	ps = providers_new(po, &e);
	p = ps == NULL ? NULL : providers_get(ps, name, &e);
	if (p == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (p->rpm != 0)
		msg_warn("rpm of %s in providers.json is not kept to: a request "
			 "has many texts",
		    p->name);
	return ps;
}

static struct prices *
open_prices(const char *file)
{
	struct err e = ERR_INIT;
	struct prices *prices = prices_new(file, &e);

	if (prices == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return prices;
}

static struct broker *
open_broker(const struct embed_options *o)
{
	struct err e = ERR_INIT;
	struct broker *b = embed_new(o, &e);

	if (b == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return b;
}

int
main(int argc, char **argv)
{
	struct options x = {.provider.report = engine_command_warn,
	    .embed = {.field = "embedding",
		.requests = 8,
		.timeout_us = INT64_C(600000000),
		.connect_timeout_us = INT64_C(10000000),
		.stall_us = INT64_C(60000000)}};
	struct engine_options *o = &x.command.engine;
	struct broker *broker;
	int status;

	engine_command_init(&x.command);
	options_read(&x, argc, argv);
	x.embed.providers = open_providers(x.embed.model, &x.provider);
	o->prices = open_prices(x.prices);
	broker = open_broker(&x.embed);
	/* One more than are in flight fills meanwhile. */
	o->jobs = (x.embed.requests + UINT64_C(1)) * embed_most(broker);
	status = engine_command_run(&x.command, broker);
	embed_free(broker);
	providers_free(x.embed.providers);
	prices_free(o->prices);
	options_release(&x);
	return status;
}
