#include "ask.h"

#include "base/mem.h"
#include "editor.h"
#include "io/clock.h"
#include "io/utf8.h"
#include "io/visible.h"
#include "terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define READ_SIZE 4096
#define LINE_MOST ((size_t)1 << 20) /* bytes that are typed */
#define CTRL_D    '\4'
#define ESCAPE    '\33'

struct ask {
	const struct human_options *o;
	struct loop *loop;
	asked_fn *asked;
	void *arg;
	struct terminal terminal;
	const struct broker_call *call; /* NULL: nothing is asked */
	uint64_t n;                     /* how many were asked */
	struct editor editor;
	bool edits;     /* the editor has the terminal */
	bool gone;      /* the terminal is */
	bool hinted;    /* what a line may be was said */
	enum asked how; /* to be told by the timer */
	struct loop_timer soon;
	struct buf out, typed, scratch;
};

/* ---- shown ---- */

static void
add_text(struct ask *x, struct span value)
{
	struct span text;

	if (json_text(value, &x->scratch, &text)) {
		visible_add(&x->out, text);
		return;
	}
	buf_clear(&x->scratch);
	json_compact(&x->scratch, value);
	visible_add_line(&x->out, buf_span(&x->scratch));
}

/* NAME: TEXT, from a line of its own on where it has several. */
static void
add_field(struct ask *x, const struct json_member *m)
{
	struct span text;

	buf_clear(&x->scratch);
	(void)json_unescape(&x->scratch, m->key);
	visible_add_line(&x->out, buf_span(&x->scratch));
	buf_addc(&x->out, ':');
	if (json_text(m->value, &x->scratch, &text) && text.n > 0 &&
	    memchr(text.p, '\n', text.n) != NULL)
		buf_addc(&x->out, '\n');
	else
		buf_addc(&x->out, ' ');
	add_text(x, m->value);
	if (x->out.data[x->out.len - 1] != '\n')
		buf_addc(&x->out, '\n');
}

static bool
is_choice(const struct ask *x, const char *key)
{
	return choices_by_key(&x->o->choices, span_str(key)) != NULL;
}

/* What may be typed. */
static void
add_prompt(struct ask *x)
{
	struct buf *out = &x->out;

	if (x->o->choices.n == 0 && !x->o->editor) {
		buf_adds(out, x->hinted ? "" : "(- alone skips, Ctrl-D quits)\n");
		buf_adds(out, "> ");
		x->hinted = true;
		return;
	}
	buf_addc(out, '[');
	for (size_t i = 0; i < x->o->choices.n; i++) {
		visible_add_line(out, x->o->choices.v[i].key);
		buf_addc(out, ' ');
		visible_add_line(out, x->o->choices.v[i].text);
		buf_adds(out, ", ");
	}
	buf_adds(out, x->o->editor ? "Enter edits, " : "");
	buf_adds(out, is_choice(x, "-") ? "Tab skips, " : "- skips, ");
	buf_adds(out, is_choice(x, "q") ? "Ctrl-D quits] " : "q quits] ");
}

/* [7] entries.jsonl:12, the fields, the question. */
static void
add_question(struct ask *x)
{
	struct span body = x->call->body, question = json_get(body, "question");
	struct json_iter it = json_iter(json_get(body, "entry"));
	struct json_member m;

	buf_addf(&x->out, "\n[%" PRIu64 "] ", x->n);
	visible_add_line(&x->out, span_str(x->call->file));
	buf_addf(&x->out, ":%" PRIu64 "\n", x->call->lineno);
	while (json_next(&it, &m))
		add_field(x, &m);
	if (question.p != NULL) {
		add_text(x, question);
		buf_addc(&x->out, '\n');
	}
	add_prompt(x);
}

static int
say(struct ask *x)
{
	int rc = terminal_say(&x->terminal, buf_span(&x->out));

	buf_clear(&x->out);
	return rc;
}

/* ---- over ---- */

static void
stop_asking(struct ask *x)
{
	struct err e;

	loop_timer_clear(x->loop, &x->soon);
	(void)loop_watch(x->loop, x->terminal.fd, 0, NULL, NULL, &e);
	if (x->terminal.begun)
		terminal_end(&x->terminal);
	x->call = NULL;
}

static void
tell(struct ask *x, enum asked how, struct span text)
{
	if (how != ASKED_GONE && how != ASKED_ANSWERED) {
		buf_addc(&x->out, '\n');
		(void)say(x);
	}
	stop_asking(x);
	if (how == ASKED_QUIT || how == ASKED_GONE)
		terminal_leave(&x->terminal);
	x->asked(x->arg, how, text);
}

static void
on_soon(void *arg)
{
	struct ask *x = arg;

	tell(x, x->how, SPAN_NONE);
}

static void
tell_soon(struct ask *x, enum asked how)
{
	x->how = how;
	loop_timer_set(x->loop, &x->soon, clock_mono_us());
}

/* ---- begun, also once more ---- */

static void on_typed(void *arg, int fd, unsigned events);

/* 0, or -1: the terminal is gone. */
static int
show(struct ask *x)
{
	enum terminal_mode mode = x->o->choices.n > 0 || x->o->editor
				      ? TERMINAL_KEYS
				      : TERMINAL_LINES;

	buf_clear(&x->typed);
	if (!x->terminal.begun && terminal_begin(&x->terminal, mode) != 0)
		return -1;
	add_question(x);
	return say(x);
}

static int
watch(struct ask *x, struct err *e)
{
	return loop_watch(x->loop, x->terminal.fd, LOOP_READ, on_typed, x, e);
}

static void
show_again(struct ask *x)
{
	struct err e;

	if (show(x) != 0 || watch(x, &e) != 0)
		tell(x, ASKED_GONE, SPAN_NONE);
}

/* Asks the same once more, and says why. */
static void
say_again(struct ask *x, const char *why)
{
	visible_add_line(&x->out, span_str(why));
	buf_adds(&x->out, "\n");
	add_prompt(x);
	buf_clear(&x->typed);
	if (say(x) != 0)
		tell(x, ASKED_GONE, SPAN_NONE);
}

/* ---- the editor ---- */

static void
begin_editing(struct ask *x)
{
	struct span proposal = json_get(x->call->body, "proposal"), text = SPAN("");
	struct err e = ERR_INIT;

	(void)loop_watch(x->loop, x->terminal.fd, 0, NULL, NULL, &e);
	terminal_end(&x->terminal);
	if (proposal.p != NULL)
		(void)json_text(proposal, &x->scratch, &text);
	if (terminal_begin(&x->terminal, TERMINAL_LENT) == 0 &&
	    editor_start(&x->editor, text, &e) == 0) {
		x->edits = true;
		return;
	}
	terminal_end(&x->terminal);
	if (terminal_begin(&x->terminal, TERMINAL_KEYS) != 0 || watch(x, &e) != 0)
		tell(x, ASKED_GONE, SPAN_NONE);
	else
		say_again(x, e.text);
}

static void
end_editing(struct ask *x)
{
	struct err e = ERR_INIT;
	int rc = editor_take(&x->editor, &x->typed, &e);

	x->edits = false;
	terminal_end(&x->terminal);
	if (rc == 0 && x->typed.len == 0 && !x->o->allow_empty)
		rc = err_set(&e, "the text is empty");
	if (rc == 0)
		tell(x, ASKED_ANSWERED, buf_span(&x->typed));
	else if (x->gone || terminal_begin(&x->terminal, TERMINAL_KEYS) != 0 ||
		 watch(x, &e) != 0)
		tell(x, ASKED_GONE, SPAN_NONE);
	else
		say_again(x, e.text);
}

static void
on_child(void *arg, int fd, unsigned events)
{
	struct ask *x = arg;

	(void)fd;
	(void)events;
	process_seen();
	if (x->edits && process_ended(&x->editor.p))
		end_editing(x);
}

/* ---- typed ---- */

static void
take_choice(struct ask *x, const struct choice *c)
{
	visible_add_line(&x->out, c->text);
	buf_addc(&x->out, '\n');
	(void)say(x);
	tell(x, ASKED_ANSWERED, c->text);
}

/* One key, of which no choice's is. */
static void
take_other_key(struct ask *x, char key)
{
	if (key == CTRL_D || key == 'q')
		tell(x, ASKED_QUIT, SPAN_NONE);
	else if (key == '\t' || key == '-')
		tell(x, ASKED_SKIPPED, SPAN_NONE);
	else if (key == '\n' && x->o->editor)
		begin_editing(x);
	else {
		/* A bell. */
		buf_addc(&x->out, '\a');
		if (say(x) != 0)
			tell(x, ASKED_GONE, SPAN_NONE);
	}
}

/* Without the keys of many bytes at its beginning: arrows, Alt with a key
 * (ECMA-48). */
static struct span
skip_escapes(struct span s)
{
	size_t n;

	while (s.n > 0 && *s.p == ESCAPE) {
		n = s.n > 1 ? 2 : 1;
		if (n == 2 && (s.p[1] == '[' || s.p[1] == 'O')) {
			while (n < s.n && (unsigned char)s.p[n] < 0x40)
				n++;
			n += n < s.n;
		}
		s = span_of(s.p + n, s.n - n);
	}
	return s;
}

/* The first key that was pressed: more of them would answer what was not seen. */
static void
take_key(struct ask *x)
{
	struct span typed = skip_escapes(buf_span(&x->typed));
	const struct choice *c;
	uint32_t code;
	size_t n = typed.n == 0 ? 0 : utf8_decode(typed.p, typed.n, &code);

	/* The rest of a character is to come. */
	if (n == 0 && typed.n > 0 && typed.n < 4 && (unsigned char)*typed.p >= 0xc2)
		return;
	buf_clear(&x->typed);
	if (typed.n == 0)
		return;
	c = choices_by_key(&x->o->choices, span_of(typed.p, n));
	if (c != NULL)
		take_choice(x, c);
	else
		take_other_key(x, n == 1 ? *typed.p : '\0');
}

/* A line without its newline. */
static void
take_line(struct ask *x, struct span line)
{
	if (utf8_valid(line) < line.n)
		say_again(x, "That is not UTF-8.");
	else if (line.n == 0 && !x->o->allow_empty)
		say_again(x, "That is empty.");
	else if (span_eq(line, SPAN("-")))
		tell(x, ASKED_SKIPPED, SPAN_NONE);
	else if (span_eq(line, SPAN("\\-")))
		tell(x, ASKED_ANSWERED, SPAN("-"));
	else
		tell(x, ASKED_ANSWERED, line);
}

static void
on_typed(void *arg, int fd, unsigned events)
{
	struct ask *x = arg;
	ssize_t n = terminal_read(
	    &x->terminal, buf_room(&x->typed, READ_SIZE), READ_SIZE);
	const char *end;

	(void)fd;
	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		/* Ctrl-D at a line's beginning, or nobody is there. */
		tell(x, n == 0 ? ASKED_QUIT : ASKED_GONE, SPAN_NONE);
		return;
	}
	x->typed.len += (size_t)n;
	if (x->terminal.mode == TERMINAL_KEYS) {
		take_key(x);
		return;
	}
	end = memchr(x->typed.data, '\n', x->typed.len);
	if (end != NULL)
		take_line(x, span_of(x->typed.data, (size_t)(end - x->typed.data)));
	else if (x->typed.len > LINE_MOST)
		say_again(x, "That is too long.");
}

/* ---- signals ---- */

static void
on_signal(void *arg, int fd, unsigned events)
{
	struct ask *x = arg;

	(void)fd;
	(void)events;
	switch (terminal_signal(&x->terminal)) {
	case TERMINAL_NOTHING:
		break;
	case TERMINAL_AGAIN:
		if (x->call != NULL)
			show_again(x);
		break;
	case TERMINAL_GONE:
		x->gone = true;
		if (x->call != NULL && !x->edits)
			tell(x, ASKED_GONE, SPAN_NONE);
		break;
	}
}

/* ---- from the first to the last ---- */

static int
watch_all(struct ask *x, struct err *e)
{
	int children;

	if (loop_watch(x->loop, terminal_signals(), LOOP_READ, on_signal, x, e) !=
	    0)
		return -1;
	if (!x->o->editor)
		return 0;
	children = process_watch(e);
	return children < 0
		   ? -1
		   : loop_watch(x->loop, children, LOOP_READ, on_child, x, e);
}

struct ask *
ask_new(const struct human_options *o, struct loop *l, asked_fn *asked, void *arg,
    struct err *e)
{
	struct ask *x = mem_zero(1, sizeof *x);

	x->o = o;
	x->loop = l;
	x->asked = asked;
	x->arg = arg;
	x->terminal = TERMINAL_INIT;
	x->editor = EDITOR_INIT;
	x->soon = (struct loop_timer){.fn = on_soon, .arg = x};
	if (terminal_open(&x->terminal, e) == 0 && watch_all(x, e) == 0)
		return x;
	ask_free(x);
	return NULL;
}

int
ask_begin(struct ask *x, const struct broker_call *c, struct err *e)
{
	x->call = c;
	x->n++;
	if (x->gone || show(x) != 0) {
		tell_soon(x, ASKED_GONE);
		return 0;
	}
	if (watch(x, e) == 0)
		return 0;
	stop_asking(x);
	return -1;
}

void
ask_hurry(struct ask *x)
{
	if (x->call != NULL && !x->edits)
		tell_soon(x, ASKED_SKIPPED);
}

void
ask_drop(struct ask *x)
{
	x->edits = false;
	editor_release(&x->editor);
	stop_asking(x);
}

void
ask_free(struct ask *x)
{
	if (x == NULL)
		return;
	if (x->terminal.fd >= 0)
		loop_forget(x->loop, x->terminal.fd);
	if (terminal_signals() >= 0)
		loop_forget(x->loop, terminal_signals());
	editor_release(&x->editor);
	terminal_close(&x->terminal);
	buf_release(&x->out);
	buf_release(&x->typed);
	buf_release(&x->scratch);
	free(x);
}
