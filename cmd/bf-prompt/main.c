/*
 * bf-prompt: puts a request, made from a template, into each entry.
 */
#include "examples.h"
#include "named.h"
#include "prompts.h"
#include "schema.h"

#include "base/msg.h"
#include "io/fdio.h"
#include "io/utf8.h"
#include "json/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMPLATE_MAX ((size_t)64 << 20) /* bytes of a template file */

enum {
	OPT_SYSTEM_FILE = CLI_FIRST,
	OPT_EXAMPLES,
	OPT_ANSWER,
	OPT_HISTORY,
	OPT_AS,
	OPT_SCHEMA,
	OPT_IMAGE,
	OPT_IMAGE_DIR,
	OPT_SAMPLES,
	OPT_LIST_PROMPTS
};

static const struct cli_option options[] = {
    {'m', "model", "MODEL", "the model, as NAME or NAME@PROVIDER"},
    {'s', "system", "TEMPLATE", "template of the system message"},
    {OPT_SYSTEM_FILE, "system-file", "FILE",
	"read the template of the system message from FILE"},
    {'f', "file", "FILE", "read the template from FILE"},
    {OPT_EXAMPLES, "examples", "FILE",
	"begin with the questions and answers of FILE's entries"},
    {OPT_ANSWER, "answer", "FIELD",
	"where an example has its answer (default answer)"},
    {OPT_HISTORY, "history", "FIELD", "go on with the conversation in FIELD"},
    {OPT_AS, "as", "ROLE", "the one of its speakers who is to go on"},
    {'p', "param", "KEY=VALUE", "put a member into the request (repeatable)"},
    {OPT_SCHEMA, "schema", "FILE", "ask for JSON as the JSON Schema in FILE says"},
    {OPT_IMAGE, "image", "FIELD",
	"add the image whose path or URL is in FIELD (repeatable)"},
    {OPT_IMAGE_DIR, "image-dir", "DIR", "take images from beneath DIR alone"},
    {OPT_SAMPLES, "samples", "N", "emit each entry N times, numbered from 0"},
    {OPT_LIST_PROMPTS, "list-prompts", NULL,
	"show which prompts @NAME can be, and end"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-prompt",
    "[-m MODEL] [-s SYSTEM | --system-file FILE] [-f FILE] [-p KEY=VALUE]... "
    "[--schema FILE] "
    "[--image FIELD]... "
    "[TEMPLATE | @NAME] [FILE...]",
    "make requests for a language model from a template", options};

struct prompt {
	struct request request;
	const char *system_text;
	const char *system_file;
	const char *file;
	struct promptfile named; /* @NAME */
	const char *examples;
	const char *answer;
	const char *errors;
	const char *image_dir;
	bool schema;      /* is the parameter response_format */
	uint64_t samples; /* 0: entries are not numbered */
};

static void
utf8_demand(const struct cli *c, struct span s)
{
	if (utf8_valid(s) != s.n)
		cli_usage(c, "%s: the argument is not UTF-8", c->name);
}

/* -p KEY=VALUE: of two with the same key the later one counts. */
static void
param_add(struct prompt *p, const struct cli *c)
{
	size_t n = strcspn(c->arg, "=");
	struct json_fault fault;
	struct span key, value;
	struct param *slot;

	if (n == 0 || c->arg[n] == '\0')
		cli_usage(c, "%s takes KEY=VALUE", c->name);
	utf8_demand(c, span_str(c->arg));
	key = span_of(c->arg, n);
	value = span_str(c->arg + n + 1);
	if (span_eq(key, SPAN("model")))
		cli_usage(c, "%s: the model is given with -m", c->name);
	if (span_eq(key, SPAN("response_format")) && p->schema)
		cli_usage(c, "%s response_format: --schema says that", c->name);
	if (span_eq(key, SPAN("messages")))
		cli_usage(c, "%s: messages are made from the templates", c->name);
	slot = request_param(&p->request, key);
	buf_clear(&slot->value);
	if (json_check(value, &fault) == 0)
		json_compact(&slot->value, value);
	else
		json_add_string(&slot->value, value);
}

static void
schema_set(struct prompt *p, const struct cli *c)
{
	struct param *slot = request_param(&p->request, SPAN("response_format"));
	struct err e = ERR_INIT;

	if (slot->value.len > 0)
		cli_usage(c,
		    p->schema ? "%s is given twice"
			      : "%s: -p response_format says that",
		    c->name);
	p->schema = true;
	if (schema_format(c->arg, &slot->value, &e) < 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

static void
image_add(struct prompt *p, const struct cli *c)
{
	struct err e = ERR_INIT;

	utf8_demand(c, span_str(c->arg));
	if (images_add(&p->request.images, span_str(c->arg), &e) < 0)
		cli_usage(c, "%s %s: %s", c->name, c->arg, e.text);
}

static void
history_set(struct prompt *p, const struct cli *c)
{
	if (p->request.history.path != NULL)
		cli_usage(c, "%s is given twice", c->name);
	p->request.history.path = stage_path(c);
}

static void
role_set(struct prompt *p, const struct cli *c)
{
	utf8_demand(c, span_str(c->arg));
	if (c->arg[0] == '\0')
		cli_usage(c, "%s: the role's name is empty", c->name);
	if (strcmp(c->arg, "system") == 0)
		cli_usage(c, "%s: system is nobody who speaks", c->name);
	p->request.history.as = span_str(c->arg);
}

static _Noreturn void
list_prompts(void)
{
	struct buf out = BUF_INIT;
	int faults = prompts_list(&out, msg_warn);

	if (fd_write(STDOUT_FILENO, out.data, out.len) != 0)
		msg_die(STATUS_CANNOT, "standard output: %s", strerror(errno));
	exit(faults == 0 ? STATUS_OK : STATUS_SOME_FAILED);
}

/* What goes with what. */
static void
options_check(const struct prompt *p, const struct cli *c)
{
	if (p->image_dir != NULL && p->request.images.n == 0)
		cli_usage(c, "--image-dir is for --image");
	if (p->system_text != NULL && p->system_file != NULL)
		cli_usage(c, "either -s or --system-file");
	if (p->answer != NULL && p->examples == NULL)
		cli_usage(c, "--answer is for --examples");
	if (p->request.history.as.p != NULL && p->request.history.path == NULL)
		cli_usage(c, "--as is for --history");
}

static void
options_read(struct prompt *p, struct cli *c)
{
	int key;

	while ((key = cli_next(c)) != CLI_DONE)
		switch (key) {
		case 'm':
			utf8_demand(c, span_str(c->arg));
			if (c->arg[0] == '\0')
				cli_usage(
				    c, "%s: the model's name is empty", c->name);
			p->request.model = span_str(c->arg);
			break;
		case 's':
			p->system_text = c->arg;
			break;
		case OPT_SYSTEM_FILE:
			p->system_file = c->arg;
			break;
		case 'f':
			p->file = c->arg;
			break;
		case OPT_EXAMPLES:
			p->examples = c->arg;
			break;
		case OPT_ANSWER:
			p->answer = c->arg;
			break;
		case OPT_HISTORY:
			history_set(p, c);
			break;
		case OPT_AS:
			role_set(p, c);
			break;
		case 'p':
			param_add(p, c);
			break;
		case OPT_SCHEMA:
			schema_set(p, c);
			break;
		case OPT_IMAGE:
			image_add(p, c);
			break;
		case OPT_IMAGE_DIR:
			p->image_dir = c->arg;
			break;
		case OPT_SAMPLES:
			p->samples = cli_u64(c);
			if (p->samples == 0)
				cli_usage(c, "%s: at least 1", c->name);
			break;
		case OPT_LIST_PROMPTS:
			list_prompts();
		case CLI_ERRORS:
			p->errors = c->arg;
			break;
		}
	options_check(p, c);
}

/* The file's text less a byte order mark and one newline at its end. */
static struct span
file_text(const char *option, const char *path, struct buf *b)
{
	struct span text;
	ssize_t n;
	int fd;

	if (strcmp(path, "-") == 0)
		msg_die(STATUS_CANNOT,
		    "%s -: standard input is for entries; put the "
		    "template into a file",
		    option);
	fd = fd_open(path, O_RDONLY, 0);
	if (fd < 0)
		msg_die(STATUS_CANNOT, "%s: %s", path, strerror(errno));
	while ((n = fd_read(fd, buf_room(b, 65536), 65536)) > 0) {
		b->len += (size_t)n;
		if (b->len > TEMPLATE_MAX)
			msg_die(STATUS_CANNOT,
			    "%s: longer than the 64 MiB that a "
			    "template may have",
			    path);
	}
	if (n < 0)
		msg_die(STATUS_CANNOT, "%s: %s", path, strerror(errno));
	fd_close(fd);
	text = buf_span(b);
	if (span_starts(text, SPAN("\xef\xbb\xbf")))
		text = span_of(text.p + 3, text.n - 3);
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n -= text.n > 1 && text.p[text.n - 2] == '\r' ? 2 : 1;
	return text;
}

static void
template_load(struct template **t, const char *what, struct span text)
{
	struct err e = ERR_INIT;

	if (text.n == 0)
		msg_die(STATUS_CANNOT, "%s is empty", what);
	*t = template_parse(text, &e);
	if (*t == NULL)
		msg_die(STATUS_CANNOT, "%s: %s", what, e.text);
}

static void
template_load_file(struct template **t, const char *option, const char *path)
{
	struct buf file = BUF_INIT;

	template_load(t, path, file_text(option, path, &file));
	buf_release(&file);
}

static void
system_load(struct prompt *p)
{
	struct template **t = &p->request.system;

	if (p->system_text != NULL)
		template_load(t, "the system template", span_str(p->system_text));
	if (p->system_file != NULL)
		template_load_file(t, "--system-file", p->system_file);
}

/* An operand: a prompt's name, or a template.  With a history it may be empty. */
static void
operand_load(struct prompt *p, const char *text)
{
	struct err e = ERR_INIT;
	int named = prompts_named(text, &e);

	if (named < 0 ||
	    (named == 1 && named_load(text + 1, &p->named, &p->request, &e) < 0))
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (named == 0 && (*text != '\0' || p->request.history.path == NULL))
		template_load(&p->request.user, "the template", span_str(text));
}

/*
 * The user's template from -f or the first operand, which is taken off.  With a
 * history there may be none.
 */
static void
user_load(struct prompt *p, struct cli *c)
{
	if (p->file != NULL) {
		template_load_file(&p->request.user, "-f", p->file);
		return;
	}
	if (c->noperands == 0 && p->request.history.path != NULL)
		return;
	if (c->noperands == 0)
		cli_usage(
		    c, "no template: give one as the first operand or with -f");
	operand_load(p, c->operands[0]);
	c->operands++;
	c->noperands--;
}

static void
examples_load(struct prompt *p, const struct cli *c)
{
	struct examples x = {.path = p->examples,
	    .answer = p->answer == NULL ? "answer" : p->answer,
	    .user = p->request.user,
	    .images = &p->request.images,
	    .max_line = (size_t)c->max_line};
	struct err e = ERR_INIT;

	if (p->examples == NULL)
		return;
	if (x.user == NULL)
		cli_usage(c, "--examples needs a template");
	if (strcmp(x.path, "-") == 0)
		msg_die(STATUS_CANNOT, "--examples -: standard input is for "
				       "entries; put the examples into a file");
	if (examples_read(&x, &p->request.examples, &e) < 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

static void
image_dir_open(struct prompt *p)
{
	struct err e = ERR_INIT;

	if (p->image_dir != NULL &&
	    images_confine(&p->request.images, p->image_dir, &e) < 0)
		msg_die(STATUS_CANNOT, "--image-dir: %s", e.text);
}

static bool
samples_emit(const struct prompt *p, struct stage *st, struct entry *en)
{
	char number[24];

	for (uint64_t i = 0; i < p->samples; i++) {
		int n = snprintf(
		    number, sizeof(number), "%llu", (unsigned long long)i);

		entry_set(en, "sample", span_of(number, (size_t)n));
		if (!stage_emit(st, en))
			return false;
	}
	return true;
}

/* A new request makes the former one's answer and error untrue: both go. */
static bool
entry_prompt(struct prompt *p, struct stage *st, struct entry *en)
{
	struct err e = ERR_INIT;
	const char *class;

	if (request_make(&p->request, en, &class, &e) < 0) {
		stage_fail(st, en, class, "%s", e.text);
		return true;
	}
	entry_del(en, "response");
	entry_del(en, "error");
	entry_set(en, "request", buf_span(&p->request.text));
	return p->samples == 0 ? stage_emit(st, en) : samples_emit(p, st, en);
}

int
main(int argc, char **argv)
{
	struct prompt p = {.samples = 0};
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct cli cli;
	int status;

	request_init(&p.request);
	cli_start(&cli, &command, argc, argv);
	options_read(&p, &cli);
	system_load(&p);
	user_load(&p, &cli);
	image_dir_open(&p);
	examples_load(&p, &cli);
	request_prepare(&p.request);
	stage_open(&st, &cli);
	if (p.errors != NULL)
		stage_errors(&st, p.errors);
	while (stage_entry(&st, &en))
		if (!entry_prompt(&p, &st, &en))
			break;
	status = stage_close(&st);
	entry_release(&en);
	request_release(&p.request);
	promptfile_release(&p.named);
	return status;
}
