/* Failures that stop the run: too large a part of all, or one of a class. */
#include "engine/private.h"

#include "base/msg.h"

#include <inttypes.h>

enum { FAIL_OVER_FROM = 20 }; /* entries: fewer say little */

static void
stop(struct engine *en)
{
	en->no_reading = true;
	engine_stop_sending(en);
}

static void
check_part(struct engine *en)
{
	double part = (double)en->settled_failed / (double)en->settled;

	if (en->settled < FAIL_OVER_FROM || part <= en->o->fail_over ||
	    en->stop_status != 0)
		return;
	engine_say(en, ENGINE_ERROR,
	    "%" PRIu64 " of %" PRIu64
	    " entries failed, more than --fail-over allows (%g%%); stopping",
	    en->settled_failed, en->settled, en->o->fail_over * 100);
	engine_stop(en, STATUS_TEMPFAIL, "too many entries failed");
	stop(en);
}

void
limits_failed(struct engine *en, struct span class)
{
	const struct engine_options *o = en->o;
	size_t i;

	for (i = 0; i < o->nabort_on; i++)
		if (span_eq(span_str(o->abort_on[i]), class))
			break;
	if (i == o->nabort_on || en->stop_status != 0)
		return;
	engine_say(en, ENGINE_ERROR,
	    "an entry failed with %s (--abort-on); stopping", o->abort_on[i]);
	engine_stop(en, STATUS_TEMPFAIL, "an entry failed with %s", o->abort_on[i]);
	stop(en);
}

void
limits_settled(struct engine *en, const char *class)
{
	en->settled++;
	if (class == NULL)
		return;
	en->settled_failed++;
	limits_failed(en, span_str(class));
	check_part(en);
}
