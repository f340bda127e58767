/* A walk hands out every record of a ledger once, in its order. */
#include "ledger/walk.h"
#include "ledger_help.h"

struct seen {
	unsigned n, wrong, in_tail, stop;
	size_t segments, damages;
	struct ledger *writer; /* adds records while the first one is looked at */
};

static int
note(void *arg, const struct survey_line *line)
{
	struct seen *s = arg;
	unsigned char key[LEDGER_KEY_SIZE];

	make_key(key, s->n);
	if (memcmp(key, line->head.key, sizeof(key)) != 0 ||
	    !record_crc_holds(line->line))
		s->wrong++;
	s->in_tail += line->in_tail;
	s->n++;
	if (s->stop != 0 && s->n == s->stop)
		return err_set(&e, "enough");
	if (s->writer != NULL && s->n == 1) {
		struct ledger *l = s->writer;
		s->writer = NULL;
		for (unsigned i = 300; i < 600; i++)
			add(l, i, "later");
		commit(l);
		close_ledger(l, "closed while it is walked");
	}
	return 0;
}

static void
count(void *arg, const struct survey *s)
{
	struct seen *seen = arg;

	seen->segments++;
	seen->damages += survey_damages(s);
}

static int
walk(struct seen *s)
{
	struct walk w = {.record = note, .segment = count, .arg = s};

	return walk_ledger(dir, &w, &e);
}

static void
test_order(void)
{
	struct seen s = {.n = 0};
	struct ledger *l;

	new_dir();
	l = open_ledger(&writing);
	for (unsigned i = 0; i < 300; i++)
		add(l, i, "text");
	commit(l);
	is_int(walk(&s), 0, "a ledger that is written to can be walked");
	is_int(s.n, 300, "every record");
	is_int(s.wrong, 0, "in order");
	is_int(s.in_tail > 0, 1, "what is only in the tail too");
	close_ledger(l, "closed");
	s = (struct seen){.n = 0};
	is_int(walk(&s), 0, "and one that is closed");
	is_int(s.n, 300, "every record");
	is_int(s.wrong, 0, "in order");
	is_int(s.in_tail, 0, "none in a tail");
	is_int((long)s.segments, 1, "one segment");
	is_int((long)s.damages, 0, "no damage");
	s = (struct seen){.stop = 7};
	is_int(walk(&s), -1, "it can be ended");
	is_int(s.n, 7, "at any record");
	is_span(span_str(e.text), SPAN("enough"), "with an error of one's own");
}

/* The writer takes the short frame back, frames all anew and goes. */
static void
test_moving(void)
{
	struct seen s = {.n = 0};
	struct ledger *l;

	new_dir();
	l = open_ledger(&writing);
	for (unsigned i = 0; i < 20; i++)
		add(l, i, "text");
	commit(l);
	close_ledger(l, "closed");
	l = open_ledger(&writing);
	for (unsigned i = 20; i < 300; i++)
		add(l, i, "text");
	commit(l);
	s.writer = l;
	is_int(walk(&s), 0, "walked while the tail goes into frames");
	is_int(s.n >= 300 && s.n <= 600, 1, "no record is missing or twice");
	is_int(s.wrong, 0, "and none out of its order");
}

int
main(void)
{
	struct walk w = {.record = note};

	test_order();
	test_moving();
	is_int(walk_ledger("/nonexistent/ledger", &w, &e), -1,
	    "a directory that is not there is an error");
	new_dir();
	buf_release(&reports);
	return done();
}
