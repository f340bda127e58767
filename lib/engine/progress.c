#include "engine/progress.h"

#include <inttypes.h>

enum { BAR = 20, BAR_FROM = 60 }; /* columns; and of the line, to have one */

#define SETTLE 5.0 /* seconds over which rates are smoothed */

/* ---- rates ---- */

static void
approach(double *rate, double now, double weight)
{
	*rate += (now - *rate) * weight;
}

/* The mean of the time so far, and exponential smoothing once that is long. */
static void
rates_look(struct progress_rates *r, const struct engine_progress *p)
{
	const struct engine_progress *b = &r->before;
	double dt = (double)(p->elapsed_us - b->elapsed_us) / 1e6;
	double since = (double)p->elapsed_us / 1e6;
	double weight = dt / (since < SETTLE ? since : SETTLE);

	if (dt <= 0)
		return;
	if (weight > 1)
		weight = 1;
	approach(&r->done, (double)(p->done - b->done) / dt, weight);
	approach(&r->calls, (double)(p->calls - b->calls) / dt, weight);
	approach(&r->tokens_in, (double)(p->tokens_in - b->tokens_in) / dt, weight);
	approach(
	    &r->tokens_out, (double)(p->tokens_out - b->tokens_out) / dt, weight);
	r->before = *p;
}

/* ---- words ---- */

/* 12, 1.2k, 12k, 1.2M */
static void
add_short(struct buf *b, double n)
{
	const char *unit = "";

	if (n >= 999500) {
		n /= 1e6;
		unit = "M";
	} else if (n >= 999.5) {
		n /= 1e3;
		unit = "k";
	}
	buf_addf(b, "%.*f%s", *unit != '\0' && n < 9.95 ? 1 : 0, n, unit);
}

/* 1:23, 1:02:03, 5d 04h */
static void
add_clock(struct buf *b, double seconds)
{
	uint64_t s = seconds > 1e9 ? 1000000000 : (uint64_t)(seconds + 0.5);

	if (s >= 86400)
		buf_addf(
		    b, "%" PRIu64 "d %02uh", s / 86400, (unsigned)(s / 3600 % 24));
	else if (s >= 3600)
		buf_addf(b, "%" PRIu64 ":%02u:%02u", s / 3600,
		    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		buf_addf(b, "%" PRIu64 ":%02u", s / 60, (unsigned)(s % 60));
}

/* Entries in all, as far as the part that was read tells; 0: not known. */
static double
total_of(const struct engine_progress *p)
{
	double most = (double)p->entries;

	if (p->part_read < 0 || p->entries == 0)
		return 0;
	return p->part_read > 0 && p->part_read < 1 ? most / p->part_read : most;
}

static void
add_total(struct buf *b, const struct engine_progress *p)
{
	double total = total_of(p);

	buf_addf(b, "%" PRIu64, p->done);
	if (total > 0)
		buf_addf(b, "/%s%.0f", p->part_read < 1 ? "~" : "", total);
}

/* ---- a line that fits ---- */

struct line {
	struct buf *out;
	struct buf piece;
	unsigned width, used;
	bool full;
};

/* Adds the piece if there is room for all of it. */
static void
line_add(struct line *l, const char *colour)
{
	unsigned gap = l->used > 0 ? 2 : 0;

	if (l->full || l->used + gap + l->piece.len > l->width)
		l->full = true;
	else {
		buf_addf(l->out, "%*s", (int)gap, "");
		if (colour != NULL)
			buf_adds(l->out, colour);
		buf_addspan(l->out, buf_span(&l->piece));
		if (colour != NULL)
			buf_adds(l->out, "\033[0m");
		l->used += gap + (unsigned)l->piece.len;
	}
	buf_clear(&l->piece);
}

static void
add_bar(struct line *l, double part)
{
	int i, full = (int)(part * BAR);

	buf_addf(&l->piece, "%3.0f%%", part * 100);
	line_add(l, NULL);
	if (l->width < BAR_FROM)
		return;
	buf_addc(&l->piece, '[');
	for (i = 0; i < BAR; i++)
		buf_addc(&l->piece, i < full ? '=' : i == full ? '>' : ' ');
	buf_addc(&l->piece, ']');
	line_add(l, NULL);
}

static void
add_count(struct line *l, uint64_t n, const char *one, const char *more,
    const char *colour)
{
	if (n == 0)
		return;
	buf_addf(&l->piece, "%" PRIu64 " %s", n, n == 1 ? one : more);
	line_add(l, colour);
}

static void
add_rates(struct line *l, const struct progress_rates *r)
{
	buf_addf(&l->piece, "%.*f calls/s", r->calls < 10 ? 1 : 0, r->calls);
	line_add(l, NULL);
	if (r->tokens_in + r->tokens_out < 0.5)
		return;
	add_short(&l->piece, r->tokens_in);
	buf_adds(&l->piece, "/s in ");
	add_short(&l->piece, r->tokens_out);
	buf_adds(&l->piece, "/s out");
	line_add(l, NULL);
}

void
progress_line(struct buf *out, struct progress_rates *r,
    const struct engine_progress *p, unsigned width, bool colour)
{
	struct line l = {.out = out, .piece = BUF_INIT, .width = width - 1};
	double total = total_of(p);

	rates_look(r, p);
	if (total > 0)
		add_bar(
		    &l, (double)p->done / total > 1 ? 1 : (double)p->done / total);
	add_total(&l.piece, p);
	line_add(&l, NULL);
	if (total > (double)p->done && r->done > 0) {
		buf_adds(&l.piece, "ETA ");
		add_clock(&l.piece, (total - (double)p->done) / r->done);
		line_add(&l, NULL);
	}
	if (p->cooldown_us > 0) {
		buf_addf(&l.piece, "cooldown %.0f s", (double)p->cooldown_us / 1e6);
		line_add(&l, colour ? "\033[33m" : NULL);
	}
	add_count(&l, p->failed, "failed", "failed", colour ? "\033[31m" : NULL);
	buf_addf(&l.piece, "%" PRIu64 " in flight", p->in_flight);
	line_add(&l, NULL);
	add_rates(&l, r);
	if (p->cost > 0) {
		buf_addc(&l.piece, '$');
		price_add_rounded(&l.piece, p->cost);
		line_add(&l, NULL);
	}
	add_count(&l, p->hits, "hit", "hits", NULL);
	add_count(&l, p->retries, "retry", "retries", NULL);
	buf_release(&l.piece);
}

void
progress_status(struct buf *out, const struct engine_progress *p)
{
	add_total(out, p);
	buf_addf(out,
	    " entries done: %" PRIu64 " from the ledger, %" PRIu64
	    " failed; %" PRIu64 " in flight, %" PRIu64 " calls, %" PRIu64
	    " again; ",
	    p->hits, p->failed, p->in_flight, p->calls, p->retries);
	add_short(out, (double)p->tokens_in);
	buf_adds(out, " tokens in, ");
	add_short(out, (double)p->tokens_out);
	buf_adds(out, " out");
	if (p->cost > 0) {
		buf_adds(out, ", $");
		price_add_rounded(out, p->cost);
	}
	buf_addf(out, "; %.1f s", (double)p->elapsed_us / 1e6);
	if (p->cooldown_us > 0)
		buf_addf(out, "; cooldown %.0f s", (double)p->cooldown_us / 1e6);
}
