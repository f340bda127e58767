#include "schema/uri.h"

#include "io/hash.h"
#include "schema/format.h"

static size_t
run_until(struct span s, const char *stops)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == '\0' || strchr(stops, s.p[n]) == NULL))
		n++;
	return n;
}

static struct span
take(struct span *s, size_t n)
{
	struct span taken = span_of(s->p, n);

	s->p += n;
	s->n -= n;
	return taken;
}

void
uri_split(struct uri *u, struct span s)
{
	size_t n;

	*u = (struct uri){.path = SPAN("")};
	if (s.n == 0)
		return;
	n = run_until(s, ":/?#");
	if (n > 0 && n < s.n && s.p[n] == ':') {
		u->scheme = take(&s, n);
		take(&s, 1);
	}
	if (s.n >= 2 && s.p[0] == '/' && s.p[1] == '/') {
		take(&s, 2);
		u->authority = take(&s, run_until(s, "/?#"));
	}
	u->path = take(&s, run_until(s, "?#"));
	if (s.n > 0 && *s.p == '?') {
		take(&s, 1);
		u->query = take(&s, run_until(s, "#"));
	}
	if (s.n > 0)
		u->fragment = span_of(s.p + 1, s.n - 1);
}

/* Removes the last segment of what was written from here on. */
static void
remove_segment(struct buf *out, size_t from)
{
	while (out->len > from && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > from)
		out->len--;
}

/* RFC 3986, section 5.2.4, of a path that is absolute or has no dots. */
static void
add_without_dots(struct buf *out, struct span path)
{
	size_t from = out->len, n;
	bool last;

	while (path.n > 0) {
		struct span slash = take(&path, *path.p == '/' ? 1 : 0);

		n = run_until(path, "/");
		last = n == path.n;
		if (n == 1 && *path.p == '.') {
			if (last)
				buf_addspan(out, slash);
		} else if (n == 2 && path.p[0] == '.' && path.p[1] == '.') {
			remove_segment(out, from);
			if (last)
				buf_addspan(out, slash);
		} else {
			buf_addspan(out, slash);
			buf_add(out, path.p, n);
		}
		take(&path, n);
	}
}

/* RFC 3986, section 5.2.3. */
static void
merge(struct buf *path, const struct uri *base, struct span relative)
{
	size_t n = base->path.n;

	while (n > 0 && base->path.p[n - 1] != '/')
		n--;
	if (base->authority.p != NULL && base->path.n == 0)
		buf_addc(path, '/');
	buf_add(path, base->path.p, n);
	buf_addspan(path, relative);
}

static void
add_part(struct buf *out, const char *before, struct span part, const char *after)
{
	if (part.p == NULL)
		return;
	buf_adds(out, before);
	buf_addspan(out, part);
	buf_adds(out, after);
}

void
uri_resolve(struct buf *out, struct span base_text, struct span reference)
{
	struct uri base, r;
	struct buf path = BUF_INIT;
	bool whole, rooted;

	uri_split(&base, base_text);
	uri_split(&r, reference);
	whole = r.scheme.p != NULL;
	rooted = whole || r.authority.p != NULL;
	add_part(out, "", whole ? r.scheme : base.scheme, ":");
	add_part(out, "//", rooted ? r.authority : base.authority, "");
	if (!rooted && r.path.n == 0) {
		buf_addspan(out, base.path);
		add_part(out, "?", r.query.p != NULL ? r.query : base.query, "");
		return;
	}
	if (rooted || *r.path.p == '/')
		buf_addspan(&path, r.path);
	else
		merge(&path, &base, r.path);
	add_without_dots(out, buf_span(&path));
	add_part(out, "?", r.query, "");
	buf_release(&path);
}

void
uri_decode(struct buf *out, struct span text)
{
	unsigned char byte;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%' && text.n - i > 2 &&
		    hash_unhex(span_of(text.p + i + 1, 2), &byte, 1) == 0) {
			buf_addc(out, (char)byte);
			i += 2;
		} else {
			buf_addc(out, text.p[i]);
		}
	}
}

/* ---- the grammar ---- */

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of letters, digits, escapes and these. */
static bool
consists_of(struct span s, const char *also)
{
	unsigned char byte;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_alpha(c) || is_digit(c))
			continue;
		if (c == '%') {
			if (s.n - i < 3 ||
			    hash_unhex(span_of(s.p + i + 1, 2), &byte, 1) != 0)
				return false;
			i += 2;
		} else if (c == '\0' || strchr(also, c) == NULL) {
			return false;
		}
	}
	return true;
}

static bool
is_scheme(struct span s)
{
	return s.n > 0 && is_alpha(*s.p) && memchr(s.p, '%', s.n) == NULL &&
	       consists_of(s, "+-.");
}

static bool
is_port(struct span s)
{
	if (s.n == 0)
		return true;
	if (*s.p != ':')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

static bool
is_authority(struct span s)
{
	size_t n = run_until(s, "@");

	if (n < s.n) {
		if (!consists_of(span_of(s.p, n), "-._~!$&'()*+,;=:"))
			return false;
		take(&s, n + 1);
	}
	if (s.n > 0 && *s.p == '[') {
		n = run_until(s, "]");
		return n < s.n && format_is_ipv6(span_of(s.p + 1, n - 1)) &&
		       is_port(span_of(s.p + n + 1, s.n - n - 1));
	}
	n = run_until(s, ":");
	return consists_of(span_of(s.p, n), "-._~!$&'()*+,;=") &&
	       is_port(span_of(s.p + n, s.n - n));
}

bool
uri_is_valid(struct span text, bool absolute)
{
	static const char segment[] = "-._~!$&'()*+,;=:@/";
	struct uri u;

	uri_split(&u, text);
	if (u.scheme.p == NULL ? absolute : !is_scheme(u.scheme))
		return false;
	/* What has no scheme has no colon before its first slash. */
	if (u.scheme.p == NULL && text.n > 0 && *text.p == ':')
		return false;
	if (u.authority.p != NULL && !is_authority(u.authority))
		return false;
	return consists_of(u.path, segment) &&
	       consists_of(u.query, "-._~!$&'()*+,;=:@/?") &&
	       consists_of(u.fragment, "-._~!$&'()*+,;=:@/?");
}
