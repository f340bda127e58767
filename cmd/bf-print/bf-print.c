/* bf-print: entries as text for people. */
#include "base/mem.h"
#include "base/msg.h"
#include "io/num.h"
#include "io/utf8.h"
#include "print.h"
#include "json/path.h"
#include "json/stage.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define INDENT        2

static const struct cli_option options[] = {CLI_COMMON, CLI_END};
static const struct cli_command command = {
    "bf-print", "[FIELD...]", "show entries as text for people", options};

struct print {
	struct stage st;
	struct entry en;
	struct path **fields;
	int nfields;
	size_t width;
	bool colour;
	uint64_t count;
	struct buf text; /* made harmless */
	struct buf scratch;
};

/* ---- the terminal ---- */

static size_t
find_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns != NULL && num_u64(span_str(columns), &n) == 0 && n > 0 &&
	    n < 100000)
		return (size_t)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

static bool
wants_colour(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (none == NULL || none[0] == '\0') &&
	       term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

static void
paint(struct print *p, const char *sequence)
{
	if (p->colour)
		buf_adds(jsonl_out(&p->st.out), sequence);
}

#define BOLD  "\x1b[1m"
#define RED   "\x1b[31m"
#define PLAIN "\x1b[0m"

/* ---- parts of an entry ---- */

/* A string's text, anything else as compact JSON; in p->scratch or borrowed. */
static struct span
value_text(struct print *p, struct span value)
{
	struct span text;

	if (json_text(value, &p->scratch, &text))
		return text;
	buf_clear(&p->scratch);
	json_compact(&p->scratch, value);
	return buf_span(&p->scratch);
}

static struct span
trim_end(struct span s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL &&
	       s.p[s.n - 1] != '\0')
		s.n--;
	return s;
}

static void
add_to_heading(struct print *p, const char *field)
{
	struct span value = entry_get(&p->en, field);

	if (value.p == NULL)
		return;
	value = value_text(p, value);
	if (value.n > 0 && p->text.len > 0)
		buf_addc(&p->text, '/');
	visible_add_line(&p->text, value);
}

static bool
print_heading(struct print *p)
{
	buf_clear(&p->text);
	add_to_heading(p, "directory");
	add_to_heading(p, "keyword");
	if (p->text.len == 0)
		add_to_heading(p, "id");
	if (p->text.len == 0)
		return false;
	paint(p, BOLD);
	wrap_add(jsonl_out(&p->st.out), buf_span(&p->text), p->width, 0, 0);
	/* The end of bold belongs before the newline. */
	if (p->colour) {
		jsonl_out(&p->st.out)->len--;
		buf_adds(jsonl_out(&p->st.out), PLAIN "\n");
	}
	return true;
}

static void
print_text(struct print *p, struct span value)
{
	struct span text = trim_end(value_text(p, value));

	if (text.n == 0)
		return;
	buf_clear(&p->text);
	visible_add(&p->text, text);
	wrap_add(jsonl_out(&p->st.out), buf_span(&p->text), p->width, 0, 0);
}

/* "name: value"; text of several lines begins below the name. */
static void
print_named(
    struct print *p, struct span name, struct span value, const char *colour)
{
	struct buf *out = jsonl_out(&p->st.out);
	struct span text = trim_end(value_text(p, value));
	size_t start;

	buf_clear(&p->text);
	visible_add_line(&p->text, name);
	buf_addc(&p->text, ':');
	paint(p, colour);
	buf_addspan(out, buf_span(&p->text));
	paint(p, colour[0] == '\0' ? "" : PLAIN);
	start = utf8_width(buf_span(&p->text));
	buf_clear(&p->text);
	visible_add(&p->text, text);
	if (memchr(p->text.data, '\n', p->text.len) != NULL) {
		buf_adds(out, "\n"
			      "  ");
		start = INDENT;
	} else if (p->text.len > 0) {
		buf_addc(out, ' ');
		start++;
	}
	wrap_add(out, buf_span(&p->text), p->width, start, INDENT);
}

/* "error: CLASS: MESSAGE", or the whole if it is made otherwise. */
static void
print_error(struct print *p, struct span error)
{
	struct span class = json_get(error, "class"),
		    message = json_get(error, "message");
	struct buf made = BUF_INIT, text = BUF_INIT;
	struct span part;

	if (json_text(class, &made, &part))
		buf_addspan(&text, part);
	if (json_text(message, &made, &part) && part.n > 0) {
		buf_adds(&text, text.len > 0 ? ": " : "");
		buf_addspan(&text, part);
	}
	buf_clear(&made);
	if (text.len > 0) {
		json_add_string(&made, buf_span(&text));
		error = buf_span(&made);
	}
	print_named(p, SPAN("error"), error, RED);
	buf_release(&made);
	buf_release(&text);
}

/* ---- an entry ---- */

static void
print_fields(struct print *p)
{
	struct span name, value;

	for (int i = 0; i < p->nfields; i++) {
		value = path_find_entry(p->fields[i], &p->en);
		if (value.p == NULL)
			continue;
		name = path_name(p->fields[i]);
		if (name.p == NULL)
			name = path_text(p->fields[i]);
		print_named(p, name, value, "");
	}
}

/* Of an entry that has no text: all fields but those of the heading. */
static void
print_all(struct print *p)
{
	static const char *const said[] = {
	    "directory", "headings", "keyword", "id"};
	struct buf name = BUF_INIT;
	size_t i, j;

	for (i = 0; i < p->en.n; i++) {
		buf_clear(&name);
		json_unescape(&name, p->en.members[i].key);
		for (j = 0; j < 4; j++)
			if (strcmp(buf_cstr(&name), said[j]) == 0)
				break;
		if (j == 4)
			print_named(p, buf_span(&name), p->en.members[i].value, "");
	}
	buf_release(&name);
}

static void
print_body(struct print *p)
{
	struct span response = entry_get(&p->en, "response");
	struct span error = entry_get(&p->en, "error");
	struct span text = SPAN_NONE;

	if (response.p != NULL && json_type(response) == JSON_OBJECT)
		text = json_get(response, "text");
	if (text.p == NULL || json_type(text) == JSON_NULL)
		text = entry_get(&p->en, "text");
	if (error.p != NULL)
		print_error(p, error);
	if (text.p != NULL)
		print_text(p, text);
	if (error.p == NULL && text.p == NULL)
		print_all(p);
}

static void
print_entry(struct print *p)
{
	struct buf *out = jsonl_out(&p->st.out);

	if (p->count++ > 0)
		buf_addc(out, '\n');
	print_heading(p);
	if (p->nfields > 0)
		print_fields(p);
	else
		print_body(p);
}

/* ---- */

static void
read_fields(struct print *p, struct cli *cli)
{
	struct err e = ERR_INIT;

	p->nfields = cli->noperands;
	p->fields = mem_zero((size_t)p->nfields + 1, sizeof(*p->fields));
	for (int i = 0; i < p->nfields; i++) {
		p->fields[i] = path_parse(span_str(cli->operands[i]), &e);
		if (p->fields[i] == NULL)
			cli_usage(cli, "field '%s': %s", cli->operands[i], e.text);
	}
	cli->noperands = 0; /* the entries come from standard input */
}

static void
tell_if_cut(struct print *p)
{
	struct buf why = BUF_INIT;

	if (stage_is_cut(&p->st)) {
		stage_why(&p->st, &why);
		if (span_starts(buf_span(&why), SPAN("incomplete")))
			msg_error("%s", buf_cstr(&why));
	}
	buf_release(&why);
}

static void
release(struct print *p)
{
	for (int i = 0; i < p->nfields; i++)
		path_free(p->fields[i]);
	free(p->fields);
	buf_release(&p->text);
	buf_release(&p->scratch);
	entry_release(&p->en);
}

int
main(int argc, char **argv)
{
	struct print p = {.en = ENTRY_INIT};
	struct cli cli;

	cli_start(&cli, &command, argc, argv);
	while (cli_next(&cli) != CLI_DONE)
		;
	read_fields(&p, &cli);
	p.width = find_width();
	p.colour = wants_colour();
	stage_open(&p.st, &cli);
	p.st.no_mark = true;
	while (stage_entry(&p.st, &p.en)) {
		print_entry(&p);
		if (jsonl_written(&p.st.out) < 0)
			break;
	}
	tell_if_cut(&p);
	release(&p);
	return stage_close(&p.st);
}
