#include "change.h"

#include "base/msg.h"
#include "io/fdio.h"
#include "json/json.h"

#include <errno.h>
#include <inttypes.h>

#define PUT_LEAST ((size_t)128 << 10)

static void
say_stranger(void *arg, const char *text)
{
	(void)arg;
	msg_warn("%s", text);
}

struct survey *
change_open(const char *dir)
{
	struct err e = ERR_INIT;
	struct survey *s = survey_open(dir, say_stranger, NULL, &e);

	if (s == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return s;
}

size_t
change_names(struct survey *s, char *const **names)
{
	struct err e = ERR_INIT;
	size_t n;

	if (survey_names(s, names, &n, &e) != 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
	return n;
}

const char *
change_many(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
add_file(struct buf *out, const struct survey *s, bool tail)
{
	buf_addf(
	    out, "%s/%s%s", survey_path(s), survey_name(s), tail ? ".tail" : "");
}

void
change_say_damage(
    struct buf *out, const struct survey *s, const struct survey_damage *d)
{
	add_file(out, s, d->in_tail);
	buf_addf(out, ": byte %" PRIu64 ": %s", d->at, d->what);
	if (d->bytes > 0)
		buf_addf(
		    out, " (%" PRIu64 " byte%s", d->bytes, change_many(d->bytes));
	if (d->bytes > 0 && !d->unfinished)
		buf_addf(out, ", about %" PRIu64 " record%s lost", d->lost,
		    change_many(d->lost));
	if (d->saved > 0)
		buf_addf(out, ", %" PRIu64 " saved", d->saved);
	buf_adds(out, d->bytes == 0   ? "\n"
		      : d->unfinished ? "; nothing is lost)\n"
				      : ")\n");
}

void
change_json_damage(
    struct buf *out, const struct survey *s, const struct survey_damage *d)
{
	struct buf file = BUF_INIT;

	add_file(&file, s, d->in_tail);
	buf_adds(out, "{\"file\":");
	json_add_string(out, buf_span(&file));
	buf_addf(out,
	    ",\"byte\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"what\":", d->at,
	    d->bytes);
	json_add_string(out, span_str(d->what));
	buf_addf(out,
	    ",\"damage\":%s,\"lost\":%" PRIu64 ",\"saved\":%" PRIu64 "}\n",
	    d->unfinished ? "false" : "true", d->lost, d->saved);
	buf_release(&file);
}

void
change_add_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	uint64_t tenths = bytes * 10;
	size_t i = 0;

	while (tenths >= 10000 && i < 4) {
		tenths = (tenths + 500) / 1000;
		i++;
	}
	if (i == 0)
		buf_addf(out, "%" PRIu64 " bytes", bytes);
	else
		buf_addf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
		    tenths % 10, units[i]);
}

void
change_put(struct buf *out)
{
	if (fd_write(1, out->data, out->len) != 0)
		msg_die(STATUS_CANNOT, "<stdout>: %s", strerror(errno));
	buf_clear(out);
}

void
change_put_much(struct buf *out)
{
	if (out->len >= PUT_LEAST)
		change_put(out);
}
