/* bf-ledger why: what makes two requests different calls. */
#include "pick.h"
#include "subcommand.h"

#include "base/mem.h"
#include "base/msg.h"
#include "engine/inlined.h"
#include "engine/request.h"
#include "io/fdio.h"
#include "io/hash.h"
#include "io/visible.h"
#include "ledger/ledger.h"
#include "json/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	OPT_BASE_URL = CLI_FIRST,
	OPT_ENDPOINT,
	SAMPLES = 1000, /* tried for a recorded key */
	AROUND = 30,
};

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {'m', "model", "MODEL", "of entries that name none, as in bf-llm"},
    {OPT_BASE_URL, "base-url", "URL",
	"where entries would be sent (default $OPENAI_BASE_URL)"},
    {OPT_ENDPOINT, "endpoint", "NAME", "name that server's answers are kept under"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger why",
    "[-l DIR] [-m MODEL] [--endpoint NAME] A B",
    "say what makes two requests different calls", options};

struct side {
	struct buf
	    text; /* that the key is the hash of, images as digests; "": none */
	unsigned char key[LEDGER_KEY_SIZE];
	/* It was recorded so, and the key does not tell what the record lacks. */
	bool sample_unknown, dialect_unknown;
};

struct why {
	const char *dir, *model;
	struct providers *providers;
	struct buf out;
	struct buf path;
	size_t differences;
};

/* ---- the two sides ---- */

/* The text ends in its sample: one that is not known is like no other key's. */
static void
hide_sample(struct buf *text, const unsigned char *key)
{
	const struct span end = SPAN(",\"sample\":0}");
	char hex[2 * LEDGER_KEY_SIZE];

	if (text->len < end.n)
		return;
	hash_hex(key, LEDGER_KEY_SIZE, hex);
	text->len -= end.n;
	buf_addf(text, ",\"sample\":\"not among the first %d (key %.*s)\"}",
	    SAMPLES, (int)sizeof(hex), hex);
}

/* Whether a record's key is the one of its request in some sample, whose text it
 * is. */
static bool
text_in_dialect(struct buf *text, const struct picked *p,
    const struct provider *provider, int samples)
{
	struct buf line = BUF_INIT;
	struct request r = REQUEST_INIT;
	struct entry en = ENTRY_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;
	bool same = false;

	r.recorded = true;
	for (int n = 0; n < samples && !same; n++) {
		buf_clear(&line);
		buf_adds(&line, "{\"request\":");
		buf_addspan(&line, p->rec->request);
		buf_addf(&line, ",\"sample\":%d}", n);
		if (entry_parse(&en, buf_span(&line), &f) != 0 ||
		    request_read_for(&r, &en, NULL, provider, &e) != 0)
			break;
		same = memcmp(r.key, p->rec->key, sizeof(r.key)) == 0;
		if (n == 0 || same) {
			buf_clear(text);
			buf_addspan(text, buf_span(&r.text));
		}
	}
	entry_release(&en);
	request_release(&r);
	buf_release(&line);
	return same;
}

/* Which sample a record is of, and of what dialect, is told by its key. */
static void
find_text(struct buf *text, const struct picked *p, struct provider *provider)
{
	const struct dialect *d = dialect_of_answer(p->rec->response);

	/* What failed has no answer that would say. */
	for (size_t i = 0; (provider->dialect = dialect_at(i)) != NULL; i++)
		if (text_in_dialect(text, p, provider, SAMPLES))
			return;
	provider->dialect = d;
	(void)text_in_dialect(text, p, provider, SAMPLES);
	hide_sample(text, p->rec->key);
}

/* Images that are recorded in full are compared with those that are not. */
static void
digest_text(struct buf *text)
{
	struct buf kept = BUF_INIT;
	struct span s = inlined_digest(buf_span(text), &kept);

	if (s.p == kept.data) {
		buf_clear(text);
		buf_addspan(text, s);
	}
	buf_release(&kept);
}

static void
text_of_record(void *arg, const struct picked *p)
{
	struct provider provider = {.endpoint = NULL};
	struct side *side = arg;

	if (p->rec->request.p == NULL || json_type(p->rec->request) != JSON_OBJECT)
		return;
	provider.endpoint = mem_strndup(
	    p->rec->endpoint.p == NULL ? "" : p->rec->endpoint.p,
	    p->rec->endpoint.n);
	memcpy(side->key, p->rec->key, sizeof(side->key));
	side->sample_unknown = inlined_is_digest(p->rec->request);
	side->dialect_unknown = side->sample_unknown && p->rec->status != LEDGER_OK;
	if (side->sample_unknown) {
		provider.dialect = dialect_of_answer(p->rec->response);
		(void)text_in_dialect(&side->text, p, &provider, 1);
	} else
		find_text(&side->text, p, &provider);
	digest_text(&side->text);
	free(provider.endpoint);
}

static void
text_of_file(struct why *w, const char *file, int fd, struct side *side)
{
	struct jsonl_reader *reader = jsonl_reader_new(
	    CLI_MAX_LINE_DEFAULT, NULL, NULL);
	struct request r = REQUEST_INIT;
	struct entry en = ENTRY_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;
	struct span line;

	jsonl_reader_open(reader, fd, file);
	switch (jsonl_read(reader, &line, &e)) {
	case JSONL_LINE:
		break;
	case JSONL_END:
		msg_die(STATUS_CANNOT, "%s: no entry in it", file);
	default:
		msg_die(STATUS_CANNOT, "%s: %s", file, e.text);
	}
	if (entry_parse(&en, line, &f) != 0)
		msg_die(STATUS_CANNOT, "%s:1:%zu: %s", file,
		    f.at + 1 + jsonl_column_shift(reader), f.what);
	if (request_read(&r, &en, w->model, w->providers, &e) != 0)
		msg_die(STATUS_CANNOT, "%s:1: %s", file, e.text);
	buf_addspan(&side->text, buf_span(&r.text));
	digest_text(&side->text);
	memcpy(side->key, r.key, sizeof(side->key));
	if (jsonl_read(reader, &line, &e) == JSONL_LINE)
		msg_warn("%s: only its first entry is looked at", file);
	entry_release(&en);
	request_release(&r);
	jsonl_reader_free(reader);
}

static void
text_of(struct why *w, const struct cli *cli, int operand, struct side *side)
{
	struct cli one = *cli;
	struct pick pick;
	int fd = fd_open(cli->operands[operand], O_RDONLY | O_NOCTTY, 0);

	if (fd >= 0) {
		text_of_file(w, cli->operands[operand], fd, side);
		return;
	}
	if (strspn(cli->operands[operand], "0123456789abcdef") !=
	    strlen(cli->operands[operand]))
		msg_die(STATUS_CANNOT, "%s: %s", cli->operands[operand],
		    strerror(errno));
	pick_init(&pick);
	pick.dir = w->dir;
	one.operands += operand;
	one.noperands = 1;
	pick_keys(&pick, &one);
	(void)pick_walk(&pick, text_of_record, side);
	if (side->text.len == 0)
		msg_die(STATUS_CANNOT, "%s: no request was recorded with it",
		    cli->operands[operand]);
}

/* What is not known of a side makes no difference: it is taken from the other. */
static void
settle(struct side *s, const struct side *other)
{
	struct span own = buf_span(&s->text), its = buf_span(&other->text);
	struct buf text = BUF_INIT;

	if (!s->sample_unknown)
		return;
	buf_adds(&text, "{\"body\":");
	buf_addspan(&text, json_get(own, "body"));
	buf_adds(&text, ",\"dialect\":");
	buf_addspan(&text, json_get(s->dialect_unknown ? its : own, "dialect"));
	buf_adds(&text, ",\"endpoint\":");
	buf_addspan(&text, json_get(own, "endpoint"));
	buf_adds(&text, ",\"model\":");
	buf_addspan(&text, json_get(own, "model"));
	buf_adds(&text, ",\"sample\":");
	buf_addspan(&text, json_get(its, "sample"));
	buf_addc(&text, '}');
	buf_release(&s->text);
	s->text = text;
}

/* ---- the difference ---- */

static void
begin_line(struct why *w)
{
	w->differences++;
	visible_add_line(&w->out, buf_span(&w->path));
	buf_adds(&w->out, ": ");
}

static void
add_short(struct buf *out, struct span v, size_t from)
{
	size_t begin = from > AROUND ? from - AROUND : 0;
	size_t end = from + AROUND < v.n ? from + AROUND : v.n;

	while (begin > 0 && ((unsigned char)v.p[begin] & 0xc0) == 0x80)
		begin--;
	while (end < v.n && ((unsigned char)v.p[end] & 0xc0) == 0x80)
		end++;
	if (begin > 0)
		buf_adds(out, "...");
	visible_add_line(out, span_of(v.p + begin, end - begin));
	if (end < v.n)
		buf_adds(out, "...");
}

static void
tell(struct why *w, struct span a, struct span b)
{
	size_t same = 0;

	while (same < a.n && same < b.n && a.p[same] == b.p[same])
		same++;
	begin_line(w);
	if (a.p == NULL)
		buf_adds(&w->out, "(nothing)");
	else
		add_short(&w->out, a, same);
	buf_adds(&w->out, " -> ");
	if (b.p == NULL)
		buf_adds(&w->out, "(nothing)");
	else
		add_short(&w->out, b, same);
	buf_addc(&w->out, '\n');
}

static void compare(struct why *w, struct span a, struct span b);

static void
compare_at(
    struct why *w, struct span key, size_t index, struct span a, struct span b)
{
	size_t before = w->path.len;

	if (key.p == NULL)
		buf_addf(&w->path, "[%zu]", index);
	else {
		if (before > 0)
			buf_addc(&w->path, '.');
		buf_addspan(&w->path, key);
	}
	compare(w, a, b);
	w->path.len = before;
}

/* Canonical texts: members are sorted, and keys are alike to the byte. */
static void
compare_objects(struct why *w, struct span a, struct span b)
{
	struct json_iter ia = json_iter(a), ib = json_iter(b);
	struct json_member ma, mb;
	bool more_a = json_next(&ia, &ma), more_b = json_next(&ib, &mb);

	while (more_a || more_b) {
		int order = !more_a ? 1 : !more_b ? -1 : 0;

		if (order == 0) {
			size_t n = ma.key.n < mb.key.n ? ma.key.n : mb.key.n;
			order = memcmp(ma.key.p, mb.key.p, n);
			if (order == 0)
				order = (ma.key.n > mb.key.n) -
					(ma.key.n < mb.key.n);
		}
		compare_at(w, order <= 0 ? ma.key : mb.key, 0,
		    order <= 0 ? ma.value : SPAN_NONE,
		    order >= 0 ? mb.value : SPAN_NONE);
		if (order <= 0)
			more_a = json_next(&ia, &ma);
		if (order >= 0)
			more_b = json_next(&ib, &mb);
	}
}

static void
compare_arrays(struct why *w, struct span a, struct span b)
{
	struct json_iter ia = json_iter(a), ib = json_iter(b);
	struct json_member ma, mb;
	bool more_a = json_next(&ia, &ma), more_b = json_next(&ib, &mb);

	for (size_t i = 0; more_a || more_b; i++) {
		compare_at(w, SPAN_NONE, i, more_a ? ma.value : SPAN_NONE,
		    more_b ? mb.value : SPAN_NONE);
		more_a = more_a && json_next(&ia, &ma);
		more_b = more_b && json_next(&ib, &mb);
	}
}

static void
compare(struct why *w, struct span a, struct span b)
{
	if (a.p != NULL && b.p != NULL) {
		if (span_eq(a, b))
			return;
		if (json_type(a) == json_type(b) && json_type(a) == JSON_OBJECT) {
			compare_objects(w, a, b);
			return;
		}
		if (json_type(a) == json_type(b) && json_type(a) == JSON_ARRAY) {
			compare_arrays(w, a, b);
			return;
		}
	}
	tell(w, a, b);
}

/* Whether the sides are the same call; else what makes them two is told. */
static bool
compare_sides(struct why *w, struct side *a, struct side *b)
{
	if (memcmp(a->key, b->key, sizeof(a->key)) == 0) {
		buf_adds(&w->out, "the same call\n");
		return true;
	}
	settle(a, b);
	settle(b, a);
	compare(w, buf_span(&a->text), buf_span(&b->text));
	if (w->differences == 0)
		buf_adds(&w->out, "the sample or the dialect, which is not known "
				  "of a record without its images\n");
	return false;
}

int
ledger_why(int argc, char **argv)
{
	struct why why = {.dir = ledger_default(), .out = BUF_INIT};
	struct provider_options po = {.base_url = NULL};
	struct span model, name = SPAN(PROVIDER_DEFAULT);
	struct side a = {.text = BUF_INIT}, b = {.text = BUF_INIT};
	struct err e = ERR_INIT;
	struct cli cli;
	bool same;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		switch (key) {
		case 'l':
			why.dir = cli.arg;
			break;
		case 'm':
			why.model = cli.arg;
			break;
		case OPT_BASE_URL:
			po.base_url = cli.arg;
			break;
		case OPT_ENDPOINT:
			po.endpoint = cli.arg;
			break;
		}
	if (cli.noperands != 2)
		cli_usage(
		    &cli, "two are compared: keys, or files that hold an entry");
	if (why.model != NULL &&
	    provider_split(span_str(why.model), &model, &name, &e) != 0)
		msg_die(STATUS_CANNOT, "-m: %s", e.text);
	po.name = name.p; /* at the end of why.model, or a literal */
	if ((why.providers = providers_new(&po, &e)) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	text_of(&why, &cli, 0, &a);
	text_of(&why, &cli, 1, &b);
	same = compare_sides(&why, &a, &b);
	change_put(&why.out);
	providers_free(why.providers);
	buf_release(&a.text);
	buf_release(&b.text);
	buf_release(&why.out);
	buf_release(&why.path);
	return same ? STATUS_OK : 1;
}
