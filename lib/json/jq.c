#include "json/jq.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/library.h"
#include "json/json.h"

#include <dlfcn.h>
#include <jq.h>
#include <limits.h>
#include <stdlib.h>

/*
 * An inline function of jv.h calls it.  Nobody calls that here, but a compiler
 * that does not optimise keeps it.
 */
#pragma weak jv_get_kind

#define FUNCTIONS(X)          \
	X(jq_init)            \
	X(jq_set_error_cb)    \
	X(jq_compile)         \
	X(jq_start)           \
	X(jq_next)            \
	X(jq_halted)          \
	X(jq_teardown)        \
	X(jv_parse_sized)     \
	X(jv_get_kind)        \
	X(jv_copy)            \
	X(jv_free)            \
	X(jv_invalid_has_msg) \
	X(jv_invalid_get_msg) \
	X(jv_dump_string)     \
	X(jv_string_value)

#define MEMBER(name) __typeof__(&name) name;
static struct {
	void *library;
	FUNCTIONS(MEMBER)
} api;

struct jq {
	jq_state *state;
	struct buf message; /* the first that the compiler gave */
	struct buf canon;
};

#define LOAD(name)                                                  \
	if (library_function(api.library, #name, &api.name, e) < 0) \
		return -1;

static int
load(struct err *e)
{
	if (api.library != NULL)
		return 0;
	api.library = dlopen("libjq.so.1", RTLD_NOW | RTLD_LOCAL);
	if (api.library == NULL)
		return err_set(
		    e, "cannot load libjq (%s): install libjq1", dlerror());
	FUNCTIONS(LOAD)
	return 0;
}

/* A text, or the JSON of anything else; frees v. */
static void
add_text(struct buf *out, jv v)
{
	if (api.jv_get_kind(v) != JV_KIND_STRING)
		v = api.jv_dump_string(v, 0);
	buf_adds(out, api.jv_string_value(v));
	api.jv_free(v);
}

static void
on_message(void *arg, jv message)
{
	struct jq *jq = arg;

	if (jq->message.len == 0)
		add_text(&jq->message, message);
	else
		api.jv_free(message);
}

struct jq *
jq_open(const char *program, struct err *e)
{
	struct jq *jq;

	if (load(e) != 0)
		return NULL;
	jq = mem_zero(1, sizeof(*jq));
	jq->state = api.jq_init();
	if (jq->state == NULL) {
		err_set(e, "libjq does not start");
	} else {
		api.jq_set_error_cb(jq->state, on_message, jq);
		if (api.jq_compile(jq->state, program) != 0)
			return jq;
		err_set(e, "%s", buf_cstr(&jq->message));
		for (char *p = e->text; *p != '\0'; p++)
			if (*p == '\n')
				*p = ' ';
	}
	jq_close(jq);
	return NULL;
}

/* The message of an error, if v is one; frees v. */
static int
failed(jv v, struct err *e)
{
	struct buf text = BUF_INIT;

	if (!api.jv_invalid_has_msg(api.jv_copy(v))) {
		api.jv_free(v);
		return 0;
	}
	add_text(&text, api.jv_invalid_get_msg(v));
	err_set(e, "%s", buf_cstr(&text));
	buf_release(&text);
	return -1;
}

/* A lone surrogate, which libjq refuses, is U+FFFD to it. */
static jv
parse(struct jq *jq, struct span text)
{
	jv v = api.jv_parse_sized(text.p, (int)text.n);

	if (api.jv_get_kind(v) != JV_KIND_INVALID)
		return v;
	buf_clear(&jq->canon);
	if (json_canon(&jq->canon, text) == 0)
		return v;
	api.jv_free(v);
	return api.jv_parse_sized(jq->canon.data, (int)jq->canon.len);
}

/* Gives it a text. */
static int
start(struct jq *jq, struct span text, struct err *e)
{
	jv v;

	if (text.n > INT_MAX)
		return err_set(e, "too long for jq");
	v = parse(jq, text);
	if (api.jv_get_kind(v) == JV_KIND_INVALID)
		return failed(v, e) != 0 ? -1 : err_set(e, "this is no JSON");
	api.jq_start(jq->state, v, 0);
	return 0;
}

/* After its last output, v: whether that was all. */
static int
finish(struct jq *jq, jv v, struct err *e)
{
	if (failed(v, e) != 0)
		return -1;
	/* Its answer is not known: halt_error is the program's way to fail. */
	if (api.jq_halted(jq->state))
		return err_set(e, "the expression halts");
	return 0;
}

int
jq_is_true(struct jq *jq, struct span text, struct err *e)
{
	bool is = false;
	jv_kind kind;
	jv v;

	if (start(jq, text, e) != 0)
		return -1;
	for (;;) {
		v = api.jq_next(jq->state);
		kind = api.jv_get_kind(v);
		if (kind == JV_KIND_INVALID)
			break;
		is |= kind != JV_KIND_NULL && kind != JV_KIND_FALSE;
		api.jv_free(v);
	}
	return finish(jq, v, e) != 0 ? -1 : is;
}

int
jq_first(struct jq *jq, struct span text, struct buf *out, struct err *e)
{
	jv v;

	if (start(jq, text, e) != 0)
		return -1;
	v = api.jq_next(jq->state);
	if (api.jv_get_kind(v) == JV_KIND_INVALID)
		return finish(jq, v, e);
	v = api.jv_dump_string(v, 0);
	buf_adds(out, api.jv_string_value(v));
	api.jv_free(v);
	return 1;
}

void
jq_close(struct jq *jq)
{
	if (jq == NULL)
		return;
	if (jq->state != NULL)
		api.jq_teardown(&jq->state);
	buf_release(&jq->message);
	buf_release(&jq->canon);
	free(jq);
}
