/*
 * bf-prompt: puts a request, made from a template, into each entry.
 *
 * The constant parts of the request are rendered once; an entry costs the
 * copying of its own spans between them.
 */
#include "image.h"
#include "schema.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/utf8.h"
#include "json/stage.h"
#include "json/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define TEMPLATE_MAX ((size_t)64 << 20) /* bytes of a template file */

enum {
	OPT_SYSTEM_FILE = CLI_FIRST,
	OPT_SCHEMA,
	OPT_IMAGE,
	OPT_IMAGE_DIR,
	OPT_SAMPLES
};

static const struct cli_option options[] = {
    {'m', "model", "MODEL", "the model, as NAME or NAME@PROVIDER"},
    {'s', "system", "TEMPLATE", "template of the system message"},
    {OPT_SYSTEM_FILE, "system-file", "FILE",
	"read the template of the system message from FILE"},
    {'f', "file", "FILE", "read the template from FILE"},
    {'p', "param", "KEY=VALUE", "put a member into the request (repeatable)"},
    {OPT_SCHEMA, "schema", "FILE", "ask for JSON as the JSON Schema in FILE says"},
    {OPT_IMAGE, "image", "FIELD",
	"add the image whose path or URL is in FIELD (repeatable)"},
    {OPT_IMAGE_DIR, "image-dir", "DIR", "take images from beneath DIR alone"},
    {OPT_SAMPLES, "samples", "N", "emit each entry N times, numbered from 0"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-prompt",
    "[-m MODEL] [-s SYSTEM | --system-file FILE] [-f FILE] [-p KEY=VALUE]... "
    "[--schema FILE] "
    "[--image FIELD]... "
    "[TEMPLATE] [FILE...]",
    "make requests for a language model from a template", options};

struct param {
	struct span key;  /* borrowed from the command line */
	struct buf value; /* JSON */
};

struct prompt {
	const char *model;
	const char *system_text;
	const char *system_file;
	const char *file;
	const char *errors;
	const char *image_dir;
	bool schema;      /* is the parameter response_format */
	uint64_t samples; /* 0: entries are not numbered */
	struct param *params;
	size_t nparams;
	struct template *system;
	struct template *user;
	struct images images;
	struct buf head;    /* {"model":..,"messages":[{..,"content":" */
	struct buf between; /* from the system text to the user's content */
	struct buf tail;    /* behind the user's content, to the closing brace */
	struct buf request;
};

static void
utf8_demand(const struct cli *c, struct span s)
{
	if (utf8_valid(s) != s.n)
		cli_usage(c, "%s: the argument is not UTF-8", c->name);
}

static struct param *
param_slot(struct prompt *p, struct span key)
{
	for (size_t i = 0; i < p->nparams; i++)
		if (span_eq(p->params[i].key, key))
			return &p->params[i];
	p->params = mem_resize(p->params, p->nparams + 1, sizeof(*p->params));
	p->params[p->nparams] = (struct param){.key = key, .value = BUF_INIT};
	return &p->params[p->nparams++];
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
	slot = param_slot(p, key);
	buf_clear(&slot->value);
	if (json_check(value, &fault) == 0)
		json_compact(&slot->value, value);
	else
		json_add_string(&slot->value, value);
}

static void
schema_set(struct prompt *p, const struct cli *c)
{
	struct param *slot = param_slot(p, SPAN("response_format"));
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
	if (images_add(&p->images, span_str(c->arg), &e) < 0)
		cli_usage(c, "%s %s: %s", c->name, c->arg, e.text);
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
			p->model = c->arg;
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
		case CLI_ERRORS:
			p->errors = c->arg;
			break;
		}
	if (p->image_dir != NULL && p->images.n == 0)
		cli_usage(c, "--image-dir is for --image");
	if (p->system_text != NULL && p->system_file != NULL)
		cli_usage(c, "either -s or --system-file");
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

/* The user's template from -f or the first operand, which is taken off. */
static void
templates_load(struct prompt *p, struct cli *c)
{
	if (p->file == NULL && c->noperands == 0)
		cli_usage(
		    c, "no template: give one as the first operand or with -f");
	if (p->system_text != NULL)
		template_load(
		    &p->system, "the system template", span_str(p->system_text));
	if (p->system_file != NULL)
		template_load_file(&p->system, "--system-file", p->system_file);
	if (p->file != NULL) {
		template_load_file(&p->user, "-f", p->file);
	} else {
		template_load(&p->user, "the template", span_str(c->operands[0]));
		c->operands++;
		c->noperands--;
	}
}

static void
image_dir_open(struct prompt *p)
{
	struct err e = ERR_INIT;

	if (p->image_dir != NULL &&
	    images_confine(&p->images, p->image_dir, &e) < 0)
		msg_die(STATUS_CANNOT, "--image-dir: %s", e.text);
}

static void
skeleton_make(struct prompt *p)
{
	buf_addc(&p->head, '{');
	if (p->model != NULL) {
		buf_adds(&p->head, "\"model\":");
		json_add_string(&p->head, span_str(p->model));
		buf_addc(&p->head, ',');
	}
	buf_adds(&p->head, "\"messages\":[");
	if (p->system != NULL) {
		buf_adds(&p->head, "{\"role\":\"system\",\"content\":\"");
		buf_adds(&p->between, "\"},");
	}
	buf_adds(&p->between, "{\"role\":\"user\",\"content\":");
	buf_adds(&p->tail, "}]");
	for (size_t i = 0; i < p->nparams; i++) {
		buf_addc(&p->tail, ',');
		json_add_string(&p->tail, p->params[i].key);
		buf_addc(&p->tail, ':');
		buf_addspan(&p->tail, buf_span(&p->params[i].value));
	}
	buf_addc(&p->tail, '}');
}

/* A string, or an array of it and the images where there are any. */
static int
content_make(
    struct prompt *p, const struct entry *en, const char **class, struct err *e)
{
	struct buf *out = &p->request;
	bool parts = images_any(&p->images, en);

	buf_adds(out, parts ? "[{\"type\":\"text\",\"text\":\"" : "\"");
	if (template_render(p->user, en, out, e) < 0)
		return -1;
	buf_addc(out, '"');
	if (!parts)
		return 0;
	buf_addc(out, '}');
	*class = "bad_image";
	if (images_render(&p->images, en, out, e) < 0)
		return -1;
	buf_addc(out, ']');
	return 0;
}

/* class: of the failure. */
static int
request_make(
    struct prompt *p, const struct entry *en, const char **class, struct err *e)
{
	struct buf *out = &p->request;

	*class = "missing_field";
	buf_clear(out);
	buf_addspan(out, buf_span(&p->head));
	if (p->system != NULL && template_render(p->system, en, out, e) < 0)
		return -1;
	buf_addspan(out, buf_span(&p->between));
	if (content_make(p, en, class, e) < 0)
		return -1;
	buf_addspan(out, buf_span(&p->tail));
	return 0;
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

	if (request_make(p, en, &class, &e) < 0) {
		stage_fail(st, en, class, "%s", e.text);
		return true;
	}
	entry_del(en, "response");
	entry_del(en, "error");
	entry_set(en, "request", buf_span(&p->request));
	return p->samples == 0 ? stage_emit(st, en) : samples_emit(p, st, en);
}

static void
prompt_release(struct prompt *p)
{
	for (size_t i = 0; i < p->nparams; i++)
		buf_release(&p->params[i].value);
	free(p->params);
	template_free(p->system);
	template_free(p->user);
	images_release(&p->images);
	buf_release(&p->head);
	buf_release(&p->between);
	buf_release(&p->tail);
	buf_release(&p->request);
}

int
main(int argc, char **argv)
{
	struct prompt p = {0};
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct cli cli;
	int status;

	images_init(&p.images);
	cli_start(&cli, &command, argc, argv);
	options_read(&p, &cli);
	templates_load(&p, &cli);
	image_dir_open(&p);
	skeleton_make(&p);
	stage_open(&st, &cli);
	if (p.errors != NULL)
		stage_errors(&st, p.errors);
	while (stage_entry(&st, &en))
		if (!entry_prompt(&p, &st, &en))
			break;
	status = stage_close(&st);
	entry_release(&en);
	prompt_release(&p);
	return status;
}
