#include "human.h"

#include "ask.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/clock.h"
#include "io/hashset.h"
#include "io/utf8.h"
#include "io/visible.h"

#include <stdio.h>
#include <stdlib.h>

#define FILES 3 /* the terminal, once more for the editor, and its file */

struct human {
	struct broker broker;
	const struct human_options *o;
	struct provider provider;
	struct outfile *questions;
	bool failed;
	struct ask *ask; /* at the terminal; NULL: nothing was asked yet */
	struct loop *loop;
	struct broker_call *call; /* NULL: none is made */
	int64_t begun;
	struct loop_timer soon;
	struct hashset left; /* the keys of what was left in this run */
	struct buf scratch, raw;
};

/* ---- what is asked ---- */

static int
add_rendered(struct buf *out, const char *name, const struct template *t,
    const struct entry *en, struct err *e)
{
	if (t == NULL)
		return 0;
	buf_addf(out, "\"%s\":\"", name);
	if (template_render(t, en, out, e) != 0)
		return -1;
	buf_adds(out, "\",");
	return 0;
}

static int
describe(struct broker *b, struct request *r, const struct entry *en, struct err *e)
{
	struct human *x = (struct human *)b;
	struct reply *reply;

	request_begin(r);
	buf_addc(&r->wire, '{');
	if (add_rendered(&r->wire, "question", x->o->ask, en, e) != 0 ||
	    add_rendered(&r->wire, "proposal", x->o->proposal, en, e) != 0)
		return -1;
	if (x->o->choices.n > 0) {
		buf_adds(&r->wire, "\"choices\":");
		choices_add_json(&x->o->choices, &r->wire);
		buf_addc(&r->wire, ',');
	}
	buf_adds(&r->wire, "\"entry\":");
	request_add_entry(&r->wire, en, &x->o->show);
	buf_addc(&r->wire, '}');
	(void)json_canon(&r->body, buf_span(&r->wire));
	buf_adds(&r->model, x->o->as);
	r->provider = &x->provider;
	request_key(r, &x->provider, 0);
	reply = x->o->replies == NULL ? NULL : replies_find(x->o->replies, r->key);
	if (reply != NULL)
		reply->met = true;
	return 0;
}

/* ---- what comes of it ---- */

static void
finish(struct human *x)
{
	struct broker_call *c = x->call;

	x->call = NULL;
	c->micros = clock_mono_us() - x->begun;
	c->done(c);
}

static void
answer(struct human *x, struct span text)
{
	struct broker_call *c = x->call;
	struct err e = ERR_INIT;

	buf_clear(&x->raw);
	buf_adds(&x->raw, "{\"answer\":");
	json_add_string(&x->raw, text);
	buf_addc(&x->raw, '}');
	c->raw = buf_span(&x->raw);
	c->reached = true;
	c->answered = dialect_human.answer(
			  &c->response, c->raw, c->model, &c->answer, &e) == 0;
}

/* The same question is not asked again in this run. */
static void
leave(struct human *x)
{
	(void)hashset_add(&x->left, x->call->key);
	x->call->left = true;
}

static void
on_asked(void *arg, enum asked how, struct span text)
{
	struct human *x = arg;
	static const char *const why[] = {
	    [ASKED_QUIT] = "quit: the next run asks what is left",
	    [ASKED_GONE] = "the terminal is gone: the next run asks what is left"};

	if (how == ASKED_ANSWERED)
		answer(x, text);
	else
		leave(x);
	x->call->reached = true;
	if (how == ASKED_QUIT || how == ASKED_GONE) {
		x->call->no_more = true;
		snprintf(x->call->why, sizeof x->call->why, "%s", why[how]);
	}
	finish(x);
}

/* ---- calls ---- */

static void
on_soon(void *arg)
{
	finish(arg);
}

static void
finish_soon(struct human *x)
{
	loop_timer_set(x->loop, &x->soon, clock_mono_us());
}

/* It goes where somebody else will answer it. */
static int
write_question(struct human *x, struct err *e)
{
	if (hashset_has(&x->left, x->call->key))
		return 0;
	buf_clear(&x->scratch);
	sheet_add(&x->scratch, x->call->key, x->call->body);
	return outfile_write(x->questions, buf_span(&x->scratch), e);
}

/* Without a person: whether that is the way here, and it went well. */
static int
take_from_files(struct human *x, struct err *e)
{
	struct reply *reply = x->o->replies == NULL
				  ? NULL
				  : replies_find(x->o->replies, x->call->key);

	if (reply != NULL) {
		reply->used = true;
		answer(x, replies_text(x->o->replies, reply));
		return 0;
	}
	if (x->questions != NULL && write_question(x, e) != 0)
		return -1;
	leave(x);
	return 0;
}

static int
ask_person(struct human *x, struct err *e)
{
	if (x->ask == NULL)
		x->ask = ask_new(x->o, x->loop, on_asked, x, e);
	return x->ask == NULL ? -1 : ask_begin(x->ask, x->call, e);
}

static int
submit(struct broker *b, struct broker_call *c, struct loop *l, struct err *e)
{
	struct human *x = (struct human *)b;

	x->call = c;
	x->loop = l;
	x->begun = clock_mono_us();
	if (x->questions != NULL || x->o->replies != NULL) {
		if (take_from_files(x, e) == 0) {
			finish_soon(x);
			return 0;
		}
	} else if (hashset_has(&x->left, c->key)) {
		c->left = true;
		finish_soon(x);
		return 0;
	} else if (ask_person(x, e) == 0)
		return 0;
	x->call = NULL;
	return -1;
}

static void
cancel(struct broker *b, struct broker_call *c)
{
	struct human *x = (struct human *)b;

	(void)c;
	loop_timer_clear(x->loop, &x->soon);
	if (x->ask != NULL)
		ask_drop(x->ask);
	x->call = NULL;
}

/* Nobody is kept waiting for an answer. */
static void
stop(struct broker *b)
{
	struct human *x = (struct human *)b;

	if (x->call != NULL && x->ask != NULL)
		ask_hurry(x->ask);
}

static void
close_all(struct broker *b, bool whole)
{
	struct human *x = (struct human *)b;
	struct err e = ERR_INIT;

	ask_free(x->ask);
	x->ask = NULL;
	if (x->questions != NULL && sheet_close(x->questions, whole, &e) != 0) {
		msg_error("%s", e.text);
		x->failed = true;
	}
	x->questions = NULL;
}

/* ---- made ---- */

struct broker *
human_new(const struct human_options *o)
{
	struct human *x = mem_zero(1, sizeof *x);

	x->broker = (struct broker){.files = FILES,
	    .describe = describe,
	    .submit = submit,
	    .cancel = cancel,
	    .close = close_all,
	    .stop = stop,
	    .waits = true};
	x->o = o;
	x->questions = o->questions;
	x->soon = (struct loop_timer){.fn = on_soon, .arg = x};
	x->left = HASHSET_INIT(REQUEST_KEY_SIZE);
	x->provider = (struct provider){.name = (char *)(uintptr_t) "human",
	    .dialect = &dialect_human,
	    .base_url = (char *)(uintptr_t) "human:",
	    .endpoint = (char *)(uintptr_t) "human"};
	return &x->broker;
}

bool
human_failed(const struct broker *b)
{
	return ((const struct human *)b)->failed;
}

void
human_free(struct broker *b)
{
	struct human *x = (struct human *)b;

	hashset_release(&x->left);
	buf_release(&x->scratch);
	buf_release(&x->raw);
	free(x);
}
