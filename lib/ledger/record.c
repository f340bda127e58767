#include "ledger/record.h"

#include "io/hash.h"
#include "json/json.h"

#define KEY_AT     12
#define TIME_AT    50
#define TRAILER    18 /* ,"crc":"xxxxxxxx"} */
#define LINE_LEAST (TIME_AT + TRAILER)

static const char *const status_names[] = {"ok", "error", "forget", "batch"};

static void
add_name(struct buf *out, const char *name)
{
	buf_adds(out, ",\"");
	buf_adds(out, name);
	buf_adds(out, "\":");
}

static void
add_number(struct buf *out, const char *name, int64_t n)
{
	add_name(out, name);
	buf_addi(out, n);
}

static void
add_text(struct buf *out, const char *name, struct span text)
{
	if (text.p == NULL)
		return;
	add_name(out, name);
	json_add_string(out, text);
}

/* A line holds no raw newline: white space between tokens goes if it has one. */
static void
add_json(struct buf *out, const char *name, struct span json)
{
	if (json.p == NULL)
		return;
	add_name(out, name);
	if (memchr(json.p, '\n', json.n) == NULL)
		buf_addspan(out, json);
	else
		json_compact(out, json);
}

static void
add_crc(struct buf *out, uint32_t crc)
{
	const unsigned char bytes[] = {(unsigned char)(crc >> 24),
	    (unsigned char)(crc >> 16), (unsigned char)(crc >> 8),
	    (unsigned char)crc};
	char hex[2 * sizeof(bytes)];

	hash_hex(bytes, sizeof(bytes), hex);
	buf_adds(out, ",\"crc\":\"");
	buf_add(out, hex, sizeof(hex));
	buf_adds(out, "\"}\n");
}

void
ledger_record_write(struct buf *out, const struct ledger_record *rec)
{
	size_t start = out->len;
	char hex[2 * LEDGER_KEY_SIZE];
	uint32_t crc;

	hash_hex(rec->key, sizeof(rec->key), hex);
	buf_room(out, rec->request.n + rec->response.n + 512);
	buf_addspan(out, SPAN("{\"v\":1,\"k\":\""));
	buf_add(out, hex, sizeof(hex));
	buf_adds(out, "\"");
	add_number(out, "t", rec->time);
	buf_adds(out, ",\"s\":\"");
	buf_adds(out, status_names[rec->status]);
	buf_adds(out, "\"");
	add_number(out, "http", rec->http);
	add_number(out, "attempts", rec->attempts);
	add_number(out, "ms", rec->millis);
	add_text(out, "model", rec->model);
	add_text(out, "endpoint", rec->endpoint);
	add_text(out, "class", rec->class);
	add_json(out, "usage", rec->usage);
	add_json(out, "cost", rec->cost);
	add_json(out, "req", rec->request);
	add_json(out, "res", rec->response);
	crc = hash_crc32c(0, out->data + start, out->len - start);
	add_crc(out, crc);
}

static int
status_read(const char **p, const char *end, enum ledger_status *status)
{
	for (int i = 0; i < 4; i++) {
		size_t n = strlen(status_names[i]);
		if ((size_t)(end - *p) > n && memcmp(*p, status_names[i], n) == 0 &&
		    (*p)[n] == '"') {
			*status = (enum ledger_status)i;
			*p += n + 1;
			return 0;
		}
	}
	return -1;
}

int
record_head(struct span line, struct record_head *h)
{
	const struct span version = SPAN("{\"v\":1,\"k\":\"");
	const struct span status = SPAN(",\"s\":\"");
	const char *p = line.p, *end = line.p + line.n;
	int64_t t = 0;

	if (line.n < LINE_LEAST || !span_starts(line, version) ||
	    hash_unhex(span_of(p + KEY_AT, sizeof(h->key) * 2), h->key,
		sizeof(h->key)) != 0 ||
	    memcmp(p + TIME_AT - 6, "\",\"t\":", 6) != 0)
		return -1;
	p += TIME_AT;
	for (int digits = 0; p < end && *p >= '0' && *p <= '9'; p++) {
		if (++digits > 15)
			return -1;
		t = t * 10 + (*p - '0');
	}
	if (p == line.p + TIME_AT ||
	    !span_starts(span_of(p, (size_t)(end - p)), status))
		return -1;
	p += status.n;
	h->time = t;
	return status_read(&p, end, &h->status);
}

static bool
trailer_crc(struct span line, uint32_t *crc)
{
	const char *p = line.p + line.n - TRAILER;
	unsigned char b[4];

	if (line.n < LINE_LEAST || memcmp(p, ",\"crc\":\"", 8) != 0 ||
	    memcmp(p + 16, "\"}", 2) != 0 ||
	    hash_unhex(span_of(p + 8, 8), b, 4) != 0)
		return false;
	*crc = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
	       b[3];
	return true;
}

bool
record_crc_holds(struct span line)
{
	uint32_t crc;

	return trailer_crc(line, &crc) &&
	       crc == hash_crc32c(0, line.p, line.n - TRAILER);
}

uint64_t
record_mark(struct span line, const struct record_head *h)
{
	uint64_t v;
	uint32_t crc = 0;

	trailer_crc(line, &crc);
	memcpy(&v, h->key, sizeof(v));
	v = (v ^ (uint64_t)h->time) * 0x9e3779b97f4a7c15;
	v = (v ^ v >> 32 ^ crc ^ (uint64_t)line.n << 32) * 0xd6e8feb86659fd93;
	return v ^ v >> 32;
}

bool
record_next(struct span *text, struct span *line, bool *whole)
{
	const char *nl;

	if (text->n == 0)
		return false;
	nl = memchr(text->p, '\n', text->n);
	*whole = nl != NULL;
	*line = span_of(text->p, nl == NULL ? text->n : (size_t)(nl - text->p));
	text->p += line->n + *whole;
	text->n -= line->n + *whole;
	return true;
}

/* scratch has room for all of the line, so what it holds does not move. */
static struct span
text_of(struct span value, struct buf *scratch)
{
	struct span raw;
	size_t at;

	if (json_type(value) != JSON_STRING)
		return SPAN_NONE;
	raw = span_of(value.p + 1, value.n - 2);
	if (memchr(raw.p, '\\', raw.n) == NULL)
		return raw;
	at = scratch->len;
	json_unescape(scratch, raw);
	return span_of(scratch->data + at, scratch->len - at);
}

static void
take_member(
    struct ledger_record *rec, const struct json_member *m, struct buf *scratch)
{
	int64_t v;

	if (m->key.n < 2)
		return; /* v, k, t, s: the head */
	if (span_eq(m->key, SPAN("http")))
		rec->http = json_i64(m->value, &v) ? (int)v : 0;
	else if (span_eq(m->key, SPAN("attempts")))
		rec->attempts = json_i64(m->value, &v) ? (int)v : 0;
	else if (span_eq(m->key, SPAN("ms")))
		rec->millis = json_i64(m->value, &v) ? v : 0;
	else if (span_eq(m->key, SPAN("model")))
		rec->model = text_of(m->value, scratch);
	else if (span_eq(m->key, SPAN("endpoint")))
		rec->endpoint = text_of(m->value, scratch);
	else if (span_eq(m->key, SPAN("class")))
		rec->class = text_of(m->value, scratch);
	else if (span_eq(m->key, SPAN("usage")))
		rec->usage = m->value;
	else if (span_eq(m->key, SPAN("cost")))
		rec->cost = json_type(m->value) == JSON_NUMBER ? m->value
							       : SPAN_NONE;
	else if (span_eq(m->key, SPAN("req")))
		rec->request = m->value;
	else if (span_eq(m->key, SPAN("res")))
		rec->response = m->value;
}

int
record_check(struct span line, struct err *e)
{
	struct json_fault fault;

	return json_check(line, &fault) == 0
		   ? 0
		   : err_set(e, "the record is no JSON: %s at byte %zu", fault.what,
			 fault.at);
}

void
record_parse(struct span line, const struct record_head *h,
    struct ledger_record *rec, struct buf *scratch)
{
	struct json_iter it = json_iter(line);
	struct json_member m;

	memset(rec, 0, sizeof(*rec));
	memcpy(rec->key, h->key, sizeof(rec->key));
	rec->time = h->time;
	rec->status = h->status;
	buf_clear(scratch);
	buf_room(scratch, line.n);
	while (json_next(&it, &m))
		take_member(rec, &m, scratch);
}

int
ledger_record_read(
    struct span line, struct ledger_record *rec, struct buf *scratch, struct err *e)
{
	struct record_head h;

	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (record_head(line, &h) != 0)
		return err_set(e, "this is no record");
	if (!record_crc_holds(line))
		return err_set(e, "the record's crc does not hold");
	if (record_check(line, e) != 0)
		return -1;
	record_parse(line, &h, rec, scratch);
	return 0;
}
