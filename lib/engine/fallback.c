/* Other models, for what the one that was asked does not answer. */
#include "engine/private.h"

#include "base/msg.h"

#include <inttypes.h>

bool
fallback_is_for(const struct engine *en, const char *class)
{
	/* A cut answer is cut by the request's own limit. */
	return en->o->nfallback > 0 && class != NULL &&
	       strcmp(class, "length") != 0;
}

/* Makes en->other what the entry asks of a model, by its number from 1. 0 or -1. */
static int
read_other(struct engine *en, const struct entry *entry, size_t asked)
{
	struct err e = ERR_INIT;
	int rc = input_request(en, &en->other, entry, asked, &e);

	if (rc != 0)
		engine_say(en, ENGINE_DEBUG, "--fallback %s: %s",
		    en->o->fallback[asked - 1], e.text);
	return rc;
}

bool
fallback_hit(struct engine *en, size_t *asked)
{
	struct request own = en->request;

	for (size_t n = 1; n <= en->o->nfallback; n++)
		if (read_other(en, &en->entry, n) == 0 &&
		    anew_is_hit(en, en->other.provider, en->other.key)) {
			en->request = en->other;
			en->other = own;
			*asked = n;
			return true;
		}
	return false;
}

static void
tell(struct engine *en, const struct job *job, const char *class)
{
	engine_say(en, ENGINE_DEBUG, "%s:%" PRIu64 ": %s; asking %s", job->file,
	    job->lineno, class, en->o->fallback[job->asked - 1]);
}

bool
fallback_ask(struct engine *en, struct job *job, const char *class)
{
	struct json_fault f;

	if (!fallback_is_for(en, class) || en->no_sending || en->o->cached_only ||
	    entry_parse(&en->again, span_of(job->line, job->n), &f) != 0)
		return false;
	while (job->asked < en->o->nfallback) {
		if (read_other(en, &en->again, ++job->asked) != 0)
			continue;
		tell(en, job, class);
		memcpy(job->key, en->other.key, sizeof job->key);
		job->provider = en->other.provider;
		job->outcome = NULL;
		en->fallbacks++;
		if (anew_is_hit(en, job->provider, job->key)) {
			en->hits++;
			return true;
		}
		en->held -= job->held;
		calls_add(en, job, &en->other);
		en->held += job->held;
		return true;
	}
	return false;
}
