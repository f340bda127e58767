/* faults: scenarios read, drawn from, and the bodies that go with them. */
#include "faults.h"

#include "base/mem.h"
#include "io/cli.h"
#include "io/fdio.h"
#include "io/num.h"
#include "json/entry.h"
#include "json/json.h"
#include "json/jsonl.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define SECOND_US   1000000
#define STORED_MOST 65535 /* bytes in a block of deflate that is not compressed */

static const struct {
	const char *name;
	enum fault_kind kind;
} kinds[] = {
    {"blank", FAULT_BLANK},
    {"chunked", FAULT_CHUNKED},
    {"crlf", FAULT_CRLF},
    {"drop", FAULT_DROP},
    {"empty-body", FAULT_EMPTY_BODY},
    {"empty-choices", FAULT_EMPTY_CHOICES},
    {"error-body", FAULT_ERROR_BODY},
    {"gzip", FAULT_GZIP},
    {"hang", FAULT_HANG},
    {"html", FAULT_HTML},
    {"huge-header", FAULT_HUGE_HEADER},
    {"long-length", FAULT_LONG_LENGTH},
    {"many-headers", FAULT_MANY_HEADERS},
    {"misformat", FAULT_MISFORMAT},
    {"no-body", FAULT_NO_BODY},
    {"null-content", FAULT_NULL_CONTENT},
    {"redirect", FAULT_REDIRECT},
    {"reset-after", FAULT_RESET_AFTER},
    {"reset-before", FAULT_RESET_BEFORE},
    {"reset-in", FAULT_RESET_IN},
    {"short-length", FAULT_SHORT_LENGTH},
    {"slow", FAULT_SLOW},
    {"stall", FAULT_STALL},
    {"stream-cut", FAULT_STREAM_CUT},
    {"stream-error", FAULT_STREAM_ERROR},
    {"torn-chunks", FAULT_TORN_CHUNKS},
    {"truncated", FAULT_TRUNCATED},
    {"white-space", FAULT_WHITE_SPACE},
};

/* ---- made ---- */

static int
find_kind(struct fault *f, struct span name, struct err *e)
{
	uint64_t status;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (span_eq(name, span_str(kinds[i].name))) {
			f->kind = kinds[i].kind;
			return 0;
		}
	if (num_u64(name, &status) == -1)
		return err_set(e, "no such fault: %.*s", (int)name.n, name.p);
	if (status < 400 || status > 599)
		return err_set(e, "the status must be from 400 to 599: %.*s",
		    (int)name.n, name.p);
	f->kind = FAULT_STATUS;
	f->status = (int)status;
	return 0;
}

static struct phase *
add_phase(struct faults *fs)
{
	fs->phases = mem_resize(fs->phases, fs->n + 1, sizeof(*fs->phases));
	fs->phases[fs->n] = (struct phase){.faults = NULL};
	return &fs->phases[fs->n++];
}

static struct fault *
add_fault(struct phase *ph, struct span name, double probability, struct err *e)
{
	struct fault f = {
	    .probability = probability, .date_us = -1, .every_us = SECOND_US};
	double sum = probability;

	if (find_kind(&f, name, e) == -1)
		return NULL;
	for (size_t i = 0; i < ph->n; i++)
		sum += ph->faults[i].probability;
	if (sum > 1 + 1e-9) {
		err_set(e, "the probabilities add up to more than 1");
		return NULL;
	}
	ph->faults = mem_resize(ph->faults, ph->n + 1, sizeof(*ph->faults));
	ph->faults[ph->n] = f;
	return &ph->faults[ph->n++];
}

struct fault *
faults_add(struct faults *fs, struct span name, double probability, struct err *e)
{
	return add_fault(
	    fs->n == 0 ? add_phase(fs) : &fs->phases[0], name, probability, e);
}

/* ---- read ---- */

/* A string that may become a header; *out stays NULL where it is not given. */
static int
take_text(const char *name, struct span value, char **out, struct err *e)
{
	struct buf scratch = BUF_INIT;
	struct span text;
	int rc = 0;

	if (json_type(value) == JSON_NUMBER)
		text = value;
	else if (!json_text(value, &scratch, &text))
		rc = err_set(e, "'%s' must be a string or a number", name);
	for (size_t i = 0; rc == 0 && i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			rc = err_set(e, "'%s' holds a control character", name);
	if (rc == 0) {
		free(*out);
		*out = mem_strndup(text.p, text.n);
	}
	buf_release(&scratch);
	return rc;
}

static int
take_time(const char *name, struct span value, int64_t *us, struct err *e)
{
	struct buf scratch = BUF_INIT;
	struct span text = value;
	int rc = 0;

	if ((json_type(value) != JSON_NUMBER &&
		!json_text(value, &scratch, &text)) ||
	    num_duration(text, us) == -1)
		rc = err_set(e, "'%s' must be a time such as \"2s\"", name);
	buf_release(&scratch);
	return rc;
}

static int
take_member(struct fault *f, const struct json_member *m, struct err *e)
{
	if (json_key_is(m->key, SPAN("code")))
		return take_text("code", m->value, &f->code, e);
	if (json_key_is(m->key, SPAN("retry-after")))
		return take_text("retry-after", m->value, &f->retry_after, e);
	if (json_key_is(m->key, SPAN("retry-after-ms")))
		return take_text("retry-after-ms", m->value, &f->retry_after_ms, e);
	if (json_key_is(m->key, SPAN("retry-after-date")))
		return take_time("retry-after-date", m->value, &f->date_us, e);
	if (json_key_is(m->key, SPAN("every")))
		return take_time("every", m->value, &f->every_us, e);
	if (json_key_is(m->key, SPAN("fault")) || json_key_is(m->key, SPAN("p")) ||
	    json_key_is(m->key, SPAN("requests")) ||
	    json_key_is(m->key, SPAN("time")))
		return 0;
	return err_set(e, "no such member: '%.*s'", (int)m->key.n, m->key.p);
}

static int
take_fault(struct phase *ph, struct span object, struct err *e)
{
	struct json_iter it;
	struct json_member m;
	struct span name = SPAN_NONE, p = SPAN_NONE;
	struct fault *f;
	double probability = 1;

	if (json_type(object) == JSON_OBJECT) {
		name = json_get(object, "fault");
		p = json_get(object, "p");
	}
	if (name.p == NULL || json_type(name) != JSON_STRING)
		return err_set(e, "'fault' must be the name of a fault");
	if (p.p != NULL &&
	    (!json_double(p, &probability) || probability < 0 || probability > 1))
		return err_set(e, "'p' must be a number from 0 to 1");
	f = add_fault(ph, span_of(name.p + 1, name.n - 2), probability, e);
	if (f == NULL)
		return -1;
	it = json_iter(object);
	while (json_next(&it, &m))
		if (take_member(f, &m, e) == -1)
			return -1;
	return 0;
}

/* A phase of several faults has nothing else in it than how long it holds. */
static int
take_list(struct phase *ph, struct span line, struct span list, struct err *e)
{
	struct json_iter it = json_iter(line);
	struct json_member m;

	while (json_next(&it, &m))
		if (!json_key_is(m.key, SPAN("faults")) &&
		    !json_key_is(m.key, SPAN("requests")) &&
		    !json_key_is(m.key, SPAN("time")))
			return err_set(
			    e, "'%.*s' beside 'faults'", (int)m.key.n, m.key.p);
	if (json_type(list) != JSON_ARRAY)
		return err_set(e, "'faults' must be an array");
	it = json_iter(list);
	while (json_next(&it, &m))
		if (take_fault(ph, m.value, e) == -1)
			return -1;
	return 0;
}

static int
take_phase(struct faults *fs, struct span line, struct err *e)
{
	struct phase *ph = add_phase(fs);
	struct json_fault fault;
	struct span requests, time, list;
	int64_t n = 0;

	if (json_check(line, &fault) == -1)
		return err_set(e, "column %zu: %s", fault.at + 1, fault.what);
	if (json_type(line) != JSON_OBJECT)
		return err_set(e, "a phase must be an object");
	requests = json_get(line, "requests");
	time = json_get(line, "time");
	list = json_get(line, "faults");
	if (requests.p != NULL && (!json_i64(requests, &n) || n < 1))
		return err_set(e, "'requests' must be a number from 1");
	ph->requests = (uint64_t)n;
	if (time.p != NULL && take_time("time", time, &ph->time_us, e) == -1)
		return -1;
	if (time.p != NULL && ph->time_us <= 0)
		return err_set(e, "'time' must be more than nothing");
	return list.p != NULL ? take_list(ph, line, list, e)
			      : take_fault(ph, line, e);
}

int
faults_load(struct faults *fs, const char *path, struct err *e)
{
	struct jsonl_reader *reader;
	struct span line;
	enum jsonl_result got;
	int fd = fd_open(path, O_RDONLY, 0);

	if (fd == -1)
		return err_sys(e, "%s", path);
	reader = jsonl_reader_new(CLI_MAX_LINE_DEFAULT, NULL, NULL);
	jsonl_reader_open(reader, fd, path);
	while ((got = jsonl_read(reader, &line, e)) == JSONL_LINE)
		if (take_phase(fs, line, e) == -1) {
			got = JSONL_BAD;
			break;
		}
	if (got != JSONL_END)
		err_prefix(
		    e, "%s:%" PRIu64, jsonl_name(reader), jsonl_lineno(reader));
	jsonl_reader_free(reader);
	return got == JSONL_END ? 0 : -1;
}

/* ---- drawn ---- */

static bool
is_over(const struct phase *ph, const struct faults_place *at, int64_t now_us)
{
	return (ph->requests != 0 && at->requests >= ph->requests) ||
	       (ph->time_us != 0 && at->since != 0 &&
		   now_us - at->since >= ph->time_us);
}

const struct fault *
faults_draw(
    const struct faults *fs, struct faults_place *at, double draw, int64_t now_us)
{
	const struct phase *ph;

	while (at->phase < fs->n && is_over(&fs->phases[at->phase], at, now_us))
		*at = (struct faults_place){.phase = at->phase + 1};
	if (at->phase >= fs->n)
		return NULL;
	if (at->since == 0)
		at->since = now_us;
	at->requests++;
	ph = &fs->phases[at->phase];
	for (size_t i = 0; i < ph->n; i++) {
		if (draw < ph->faults[i].probability)
			return &ph->faults[i];
		draw -= ph->faults[i].probability;
	}
	return NULL;
}

/* ---- what the kinds are ---- */

const char *
fault_name(enum fault_kind kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "status";
}

bool
fault_needs_wire(enum fault_kind kind)
{
	return kind >= FAULT_HUGE_HEADER;
}

bool
fault_needs_stream(enum fault_kind kind)
{
	return kind == FAULT_CRLF || kind == FAULT_STREAM_CUT ||
	       kind == FAULT_STREAM_ERROR;
}

bool
fault_answers(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_CHUNKED:
	case FAULT_CRLF:
	case FAULT_GZIP:
	case FAULT_MANY_HEADERS:
	case FAULT_MISFORMAT:
	case FAULT_RESET_AFTER:
	case FAULT_WHITE_SPACE:
		return true;
	default:
		return false;
	}
}

static uint32_t
crc32_of(struct span bytes)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= (unsigned char)bytes.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
	}
	return ~crc;
}

static void
add_little(struct buf *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_addc(out, (char)(value >> 8 * i & 0xff));
}

/* RFC 1952, with blocks that are not compressed (RFC 1951, 3.2.4). */
static void
gzip(struct buf *body)
{
	struct buf out = BUF_INIT;
	size_t n, at = 0;

	buf_add(&out, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	do {
		n = body->len - at < STORED_MOST ? body->len - at : STORED_MOST;
		buf_addc(&out, at + n == body->len);
		add_little(&out, (uint32_t)n, 2);
		add_little(&out, ~(uint32_t)n & 0xffff, 2);
		buf_addspan(&out, span_of(buf_span(body).p + at, n));
		at += n;
	} while (at < body->len);
	add_little(&out, crc32_of(buf_span(body)), 4);
	add_little(&out, (uint32_t)body->len, 4);
	buf_clear(body);
	buf_addspan(body, buf_span(&out));
	buf_release(&out);
}

static void
put_before(struct buf *body, const char *text)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, text);
	buf_addspan(&out, buf_span(body));
	buf_clear(body);
	buf_addspan(body, buf_span(&out));
	buf_release(&out);
}

void
fault_body(enum fault_kind kind, struct buf *out)
{
	const char *text;

	switch (kind) {
	case FAULT_GZIP:
		gzip(out);
		return;
	case FAULT_WHITE_SPACE:
		put_before(out, "\n\n \t\r\n");
		return;
	case FAULT_BLANK:
		text = "\n\n  \n";
		break;
	case FAULT_EMPTY_BODY:
	case FAULT_REDIRECT:
		text = "";
		break;
	case FAULT_HTML:
		text = "<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body>"
		       "</html>\n";
		break;
	default:
		return;
	}
	buf_clear(out);
	buf_adds(out, text);
}

void
faults_release(struct faults *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		for (size_t j = 0; j < fs->phases[i].n; j++) {
			free(fs->phases[i].faults[j].code);
			free(fs->phases[i].faults[j].retry_after);
			free(fs->phases[i].faults[j].retry_after_ms);
		}
		free(fs->phases[i].faults);
	}
	free(fs->phases);
	*fs = (struct faults){NULL, 0};
}
