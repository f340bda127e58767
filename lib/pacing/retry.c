#include "pacing/retry.h"

#include "io/num.h"

#define BACKOFF_BASE_US ((int64_t)500000)
#define BACKOFF_MOST_US ((int64_t)60000000)

/* A 429 with one of these will not pass by waiting. */
static const char *const exhausted[] = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
};

static bool
is_exhausted(struct span s)
{
	size_t i;

	for (i = 0; i < sizeof exhausted / sizeof *exhausted; i++)
		if (span_eq(s, span_str(exhausted[i])))
			return true;
	return false;
}

static struct retry_ruling
rule_status(const struct retry_facts *f)
{
	switch (f->status) {
	case 401:
	case 403:
		return (struct retry_ruling){RETRY_STOP, "auth", false};
	case 402:
		return (struct retry_ruling){RETRY_STOP, "quota", false};
	case 404:
		return (struct retry_ruling){RETRY_FAIL, "not_found", false};
	case 408:
		return (struct retry_ruling){RETRY_AGAIN, "timeout", false};
	case 409:
	case 425:
		return (struct retry_ruling){RETRY_AGAIN, "conflict", false};
	case 413:
		return (struct retry_ruling){RETRY_FAIL, "too_large", false};
	case 429:
		if (is_exhausted(f->code) || is_exhausted(f->type))
			return (struct retry_ruling){RETRY_STOP, "quota", false};
		return (struct retry_ruling){RETRY_AGAIN, "rate_limit", true};
	}
	if (f->status >= 500)
		return (struct retry_ruling){RETRY_AGAIN, "server", false};
	if (f->status >= 300 && f->status < 400)
		return (struct retry_ruling){RETRY_FAIL, "redirect", false};
	if (f->status == 400 && span_eq(f->code, SPAN("content_filter")))
		return (struct retry_ruling){RETRY_FAIL, "content_filter", false};
	/* Gemini's way of a 401. */
	if (f->status == 400 && span_eq(f->code, SPAN("API_KEY_INVALID")))
		return (struct retry_ruling){RETRY_STOP, "auth", false};
	if (f->status >= 400)
		return (struct retry_ruling){RETRY_FAIL, "bad_request", false};
	return (struct retry_ruling){RETRY_AGAIN, "bad_answer", false};
}

struct retry_ruling
retry_rule(const struct retry_facts *f)
{
	struct retry_ruling r;

	switch (f->outcome) {
	case RETRY_GOT_ANSWER:
		return (struct retry_ruling){RETRY_ANSWER, "", false};
	case RETRY_GOT_RUBBISH:
		r = (struct retry_ruling){RETRY_AGAIN, "bad_answer", false};
		break;
	case RETRY_TIMED_OUT:
		return (struct retry_ruling){RETRY_AGAIN, "timeout", false};
	case RETRY_TRANSPORT:
		return (struct retry_ruling){RETRY_AGAIN, "transport", false};
	case RETRY_REFUSED:
		return (struct retry_ruling){RETRY_AGAIN, "transport", true};
	case RETRY_OVERSIZE:
		return (struct retry_ruling){RETRY_FAIL, "too_large", false};
	case RETRY_FORBIDDEN:
		return (struct retry_ruling){RETRY_FAIL, "forbidden", false};
	case RETRY_MISCONFIGURED:
		return (struct retry_ruling){RETRY_STOP, "transport", false};
	default:
		r = rule_status(f);
		break;
	}
	if (r.verdict == RETRY_STOP && (f->status == 402 || f->status == 429))
		return r;
	if (span_eq(f->should_retry, SPAN("true")))
		r.verdict = RETRY_AGAIN;
	else if (span_eq(f->should_retry, SPAN("false")) &&
		 r.verdict == RETRY_AGAIN)
		r.verdict = RETRY_FAIL;
	return r;
}

int64_t
retry_backoff_us(unsigned failures, double unit)
{
	int64_t most = BACKOFF_MOST_US;

	if (failures < 7)
		most = BACKOFF_BASE_US << failures;
	if (most > BACKOFF_MOST_US)
		most = BACKOFF_MOST_US;
	return (int64_t)(unit * (double)most);
}

int64_t
retry_spread_us(int64_t asked_us, double unit)
{
	int64_t room = asked_us / 4 < 1000000 ? asked_us / 4 : 1000000;

	return asked_us + (int64_t)(unit * (double)room);
}

/* ---- dates ---- */

/* Days from 1970-01-01 to a day of the Gregorian calendar, month from 1. */
static int64_t
days_since_1970(int64_t year, int month, int day)
{
	/* Years that begin in March end with the leap day. */
	int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
	       719468;
}

/* Takes digits (at most most of them) off the front; -1 if there are none. */
static int
take_number(struct span *s, size_t most)
{
	int v = 0;
	size_t i;

	for (i = 0; i < most && i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		v = 10 * v + (s->p[i] - '0');
	*s = span_of(s->p + i, s->n - i);
	return i == 0 ? -1 : v;
}

static bool
take(struct span *s, const char *literal)
{
	struct span l = span_str(literal);

	if (!span_starts(*s, l))
		return false;
	*s = span_of(s->p + l.n, s->n - l.n);
	return true;
}

static int
take_month(struct span *s)
{
	static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int i;

	for (i = 0; i < 12; i++)
		if (take(s, names[i]))
			return i + 1;
	return -1;
}

static bool
take_time(struct span *s, int64_t *seconds)
{
	int h, m, sec;

	h = take_number(s, 2);
	if (h < 0 || h > 23 || !take(s, ":"))
		return false;
	m = take_number(s, 2);
	if (m < 0 || m > 59 || !take(s, ":"))
		return false;
	sec = take_number(s, 2);
	if (sec < 0 || sec > 60)
		return false;
	*seconds = 3600 * h + 60 * m + sec;
	return true;
}

/* "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT" */
static bool
date_after_comma(struct span s, int64_t *seconds)
{
	int64_t year, time;
	int day, month;
	const char *between;

	while (take(&s, " "))
		;
	day = take_number(&s, 2);
	between = s.n > 0 && *s.p == '-' ? "-" : " ";
	if (day < 1 || day > 31 || !take(&s, between) ||
	    (month = take_month(&s)) < 0 || !take(&s, between) ||
	    (year = take_number(&s, 4)) < 0 || !take(&s, " ") ||
	    !take_time(&s, &time) || !take(&s, " GMT") || s.n != 0)
		return false;
	/* Two digits: those of the nearer century. */
	if (*between == '-')
		year += year < 70 ? 2000 : 1900;
	*seconds = days_since_1970(year, month, day) * 86400 + time;
	return true;
}

/* "Nov  6 08:49:37 1994" */
static bool
date_of_asctime(struct span s, int64_t *seconds)
{
	int64_t year, time;
	int day, month;

	if ((month = take_month(&s)) < 0 || !take(&s, " "))
		return false;
	(void)take(&s, " ");
	day = take_number(&s, 2);
	if (day < 1 || day > 31 || !take(&s, " ") || !take_time(&s, &time) ||
	    !take(&s, " ") || (year = take_number(&s, 4)) < 0 || s.n != 0)
		return false;
	*seconds = days_since_1970(year, month, day) * 86400 + time;
	return true;
}

bool
retry_http_date(struct span text, int64_t *seconds)
{
	const char *comma = text.n == 0 ? NULL : memchr(text.p, ',', text.n);

	if (comma != NULL) {
		comma++;
		return date_after_comma(
		    span_of(comma, (size_t)(text.p + text.n - comma)), seconds);
	}
	if (text.n < 5 || text.p[3] != ' ')
		return false;
	return date_of_asctime(span_of(text.p + 4, text.n - 4), seconds);
}

/* ".5": the milliseconds of a fraction, none where there is none. */
static bool
take_fraction(struct span *s, int64_t *ms)
{
	int64_t unit = 100;
	size_t i = 0;

	*ms = 0;
	if (!take(s, "."))
		return true;
	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++, unit /= 10)
		*ms += (s->p[i] - '0') * unit;
	*s = span_of(s->p + i, s->n - i);
	return i > 0;
}

/* "Z" or "+01:00", as seconds east of Greenwich. */
static bool
take_offset(struct span *s, int64_t *seconds)
{
	int sign, h, m;

	*seconds = 0;
	if (take(s, "Z") || take(s, "z"))
		return true;
	sign = take(s, "-") ? -1 : take(s, "+") ? 1 : 0;
	if (sign == 0 || (h = take_number(s, 2)) < 0 || h > 23 || !take(s, ":") ||
	    (m = take_number(s, 2)) < 0 || m > 59)
		return false;
	*seconds = sign * (3600 * h + 60 * m);
	return true;
}

bool
retry_rfc3339(struct span text, int64_t *ms)
{
	int64_t time, fraction, east;
	int year, month, day;

	year = take_number(&text, 4);
	if (year < 0 || !take(&text, "-") || (month = take_number(&text, 2)) < 1 ||
	    month > 12 || !take(&text, "-") || (day = take_number(&text, 2)) < 1 ||
	    day > 31 ||
	    !(take(&text, "T") || take(&text, "t") || take(&text, " ")) ||
	    !take_time(&text, &time) || !take_fraction(&text, &fraction) ||
	    !take_offset(&text, &east) || text.n != 0)
		return false;
	*ms = (days_since_1970(year, month, day) * 86400 + time - east) * 1000 +
	      fraction;
	return true;
}

/* A number of units of so many microseconds; more than a year is a year. */
static bool
amount_us(struct span text, double unit_us, int64_t *us)
{
	double v;

	if (text.n == 0 || num_double(text, &v) != 0 || v != v)
		return false;
	v *= unit_us;
	*us = v <= 0 ? 0 : v > 31536000e6 ? INT64_C(31536000000000) : (int64_t)v;
	return true;
}

bool
retry_asked_us(struct span after_ms, struct span after, int64_t now_ms, int64_t *us)
{
	int64_t date;

	if (amount_us(after_ms, 1e3, us) || amount_us(after, 1e6, us))
		return true;
	if (!retry_http_date(after, &date))
		return false;
	*us = date * 1000 <= now_ms ? 0 : (date * 1000 - now_ms) * 1000;
	return true;
}
