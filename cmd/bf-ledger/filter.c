#include "filter.h"

#include "dialects/dialect.h"
#include "io/clock.h"
#include "io/hash.h"
#include "io/num.h"
#include "pacing/retry.h"
#include "json/json.h"

void
filter_init(struct filter *f)
{
	memset(f, 0, sizeof(*f));
	f->since = INT64_MIN;
	f->until = INT64_MAX;
}

void
filter_release(struct filter *f)
{
	jq_close(f->jq);
	buf_release(&f->scratch);
}

bool
filter_is_empty(const struct filter *f)
{
	return f->since == INT64_MIN && f->until == INT64_MAX && f->model == NULL &&
	       f->finish_reason == NULL && f->jq == NULL;
}

static int
parse_time(const char *text, int64_t *ms)
{
	static const char *const ends[] = {"", "Z", "T00:00:00Z"};
	size_t n = strlen(text);
	int64_t us;

	if (n > 0 && strchr("smhd", text[n - 1]) != NULL) {
		if (num_duration(span_str(text), &us) != 0)
			return -1;
		*ms = clock_wall_ms() - us / 1000;
		return 0;
	}
	for (size_t i = 0; i < 3 && n < 64; i++) {
		struct buf b = BUF_INIT;
		bool is;

		buf_addf(&b, "%s%s", text, ends[i]);
		is = retry_rfc3339(buf_span(&b), ms);
		buf_release(&b);
		if (is)
			return 0;
	}
	return -1;
}

int64_t
filter_time(const struct cli *cli)
{
	int64_t ms;

	if (parse_time(cli->arg, &ms) != 0)
		cli_usage(cli,
		    "%s takes a date as 2026-11-20, a time as "
		    "2026-11-20T18:00:00Z, or an age as 24h or 7d, not '%s'",
		    cli->name, cli->arg);
	return ms;
}

static bool
ended_so(struct filter *f, const struct ledger_record *rec)
{
	struct dialect_answer a;
	struct err e;

	buf_clear(&f->scratch);
	return dialect_of_answer(rec->response)
		       ->answer(&f->scratch, rec->response, rec->model, &a, &e) ==
		   0 &&
	       json_is(json_get(buf_span(&f->scratch), "finish_reason"),
		   f->finish_reason);
}

int
filter_matches(struct filter *f, struct span line, const struct ledger_record *rec,
    struct err *e)
{
	if (rec->time < f->since || rec->time >= f->until)
		return 0;
	if (f->model != NULL && !span_eq(rec->model, span_str(f->model)))
		return 0;
	if (f->finish_reason != NULL && !ended_so(f, rec))
		return 0;
	return f->jq == NULL ? 1 : jq_is_true(f->jq, line, e);
}

bool
filter_is_key(const char *text)
{
	size_t n = strlen(text);

	return n >= 4 && n <= 2 * LEDGER_KEY_SIZE &&
	       strspn(text, "0123456789abcdef") == n;
}

bool
filter_key_begins(const unsigned char key[LEDGER_KEY_SIZE], const char *text)
{
	char hex[2 * LEDGER_KEY_SIZE];

	hash_hex(key, LEDGER_KEY_SIZE, hex);
	return memcmp(hex, text, strlen(text)) == 0;
}
