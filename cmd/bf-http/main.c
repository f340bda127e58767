/* bf-http: has entries answered by an HTTP API. */
#include "options.h"

#include "base/msg.h"

int
main(int argc, char **argv)
{
	struct options x = {.web.http = &x.command.http};
	struct broker *broker;
	int status;

	engine_command_init(&x.command);
	x.command.http.timeout_us = INT64_C(60000000);
	x.command.http.stall_us = 0;
	options_read(&x, argc, argv);
	broker = web_new(&x.web);
	status = engine_command_run(&x.command, broker);
	web_free(broker);
	options_release(&x);
	return status;
}
