/* bf-embed: has texts made into vectors. */
#include "base/msg.h"
#include "options.h"

static struct providers *
open_providers(struct options *x)
{
	const struct provider *p;
	struct providers *ps = engine_command_providers(
	    &x->command, x->embed.model, &p);

	if (p->rpm != 0)
		msg_warn("rpm of %s in providers.json is not kept to: a request "
			 "has many texts",
		    p->name);
	return ps;
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
	struct options x = {
	    .embed = {
		.field = "embedding", .requests = 8, .http = &x.command.http}};
	struct engine_options *o = &x.command.engine;
	struct broker *broker;
	int status;

	engine_command_init(&x.command);
	options_read(&x, argc, argv);
	x.embed.providers = open_providers(&x);
	o->prices = engine_command_prices(&x.command);
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
