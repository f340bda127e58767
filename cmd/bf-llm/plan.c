#include "plan.h"

#include "base/msg.h"
#include "io/fdio.h"
#include "io/visible.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* 950, 12.3k, 1.20M */
static void
add_count(struct buf *b, double n)
{
	if (n < 9999.5)
		buf_addf(b, "%.0f", n);
	else if (n < 999950)
		buf_addf(b, "%.1fk", n / 1e3);
	else
		buf_addf(b, "%.2fM", n / 1e6);
}

static void
add_usd(struct buf *b, double n)
{
	price_add_rounded(b, (price_nano)(n * 1e9 + 0.5));
}

/* Likely, and from least to most. */
static void
add_range(struct buf *line, const struct engine_range *r,
    void (*add)(struct buf *b, double n), int width)
{
	struct buf likely = BUF_INIT, wide = BUF_INIT;

	add(&likely, r->likely);
	buf_addc(&wide, '(');
	add(&wide, r->least);
	buf_addc(&wide, '-');
	add(&wide, r->most);
	buf_addc(&wide, ')');
	buf_addf(line, "  %*s", width, buf_cstr(&likely));
	buf_addf(line, " %-*s", 2 * width + 3, buf_cstr(&wide));
	buf_release(&likely);
	buf_release(&wide);
}

static size_t
names_width(const struct engine_plan *p)
{
	size_t width = 5, n;

	for (size_t i = 0; i < p->nmodels; i++) {
		n = visible_width(p->models[i].name);
		width = n > width ? n : width;
	}
	return width;
}

/* Lines end where their last word does. */
static void
end_line(struct buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_addc(out, '\n');
}

static void
add_model(struct buf *out, const struct engine_plan_model *m, size_t width)
{
	visible_add_column(out, m->name, width);
	buf_addf(out, "  %9" PRIu64, m->calls);
	add_range(out, &m->in, add_count, 7);
	add_range(out, &m->out, add_count, 7);
	if (m->priced)
		add_range(out, &m->usd, add_usd, 8);
	else
		buf_adds(out, "  no price known");
	end_line(out);
}

/* Of several models. */
static void
add_total(struct buf *out, const struct engine_plan *p)
{
	struct engine_range usd = {0, 0, 0};

	for (size_t i = 0; i < p->nmodels; i++) {
		if (!p->models[i].priced)
			return;
		usd.likely += p->models[i].usd.likely;
		usd.least += p->models[i].usd.least;
		usd.most += p->models[i].usd.most;
	}
	if (p->nmodels < 2)
		return;
	buf_adds(out, "together");
	add_range(out, &usd, add_usd, 0);
	end_line(out);
}

/* What the numbers come from. */
static void
add_ground(struct buf *out, const struct engine_plan *p)
{
	size_t known = 0;

	for (size_t i = 0; i < p->nmodels; i++)
		known += p->models[i].learned_from > 0;
	if (known == p->nmodels)
		buf_adds(out, "as the answers in the ledger were");
	else
		buf_adds(out, "a guess: the ledger has too few answers of ");
	for (size_t i = 0, n = 0; known < p->nmodels && i < p->nmodels; i++) {
		if (p->models[i].learned_from > 0)
			continue;
		buf_adds(out, n++ > 0 ? ", " : "");
		visible_add_line(out, p->models[i].name);
	}
	if (p->seconds >= 0) {
		buf_adds(out, "; about ");
		if (p->seconds < 100)
			buf_addf(out, "%.*f s", p->seconds < 10, p->seconds);
		else if (p->seconds < 6000)
			buf_addf(out, "%.0f min", p->seconds / 60);
		else
			buf_addf(out, "%.1f h", p->seconds / 3600);
	}
	buf_addc(out, '\n');
}

void
print_plan(const struct engine_plan *p)
{
	struct buf out = BUF_INIT;
	size_t width = names_width(p);

	buf_addf(&out,
	    "%" PRIu64 " entr%s: %" PRIu64 " to ask, %" PRIu64
	    " from the ledger, %" PRIu64 " the same as others",
	    p->entries, p->entries == 1 ? "y" : "ies", p->calls, p->hits, p->same);
	if (p->bad > 0)
		buf_addf(&out, ", %" PRIu64 " that cannot be asked", p->bad);
	buf_addc(&out, '\n');
	if (p->calls > 0) {
		buf_addc(&out, '\n');
		visible_add_column(&out, SPAN("model"), width);
		buf_addf(&out, "  %9s  %7s %-17s  %7s %-17s  %8s", "calls", "in",
		    "", "out", "", "USD");
		end_line(&out);
		for (size_t i = 0; i < p->nmodels; i++)
			add_model(&out, &p->models[i], width);
		add_total(&out, p);
		buf_addc(&out, '\n');
		add_ground(&out, p);
	}
	if (fd_write(STDOUT_FILENO, out.data, out.len) != 0)
		msg_die(STATUS_CANNOT, "standard output: %s", strerror(errno));
	buf_release(&out);
}
