/*
 * units: where characters, words, lines, sentences and paragraphs end.
 *
 * Characters are what a reader takes for one, by an approximation of the
 * extended grapheme clusters of Unicode's annex 29: what has no width of its
 * own (utf8_width()) goes with what is before it.
 */
#include "chunk.h"
#include "io/utf8.h"

#define ZWJ 0x200d

/* 0 behind the end. */
static uint32_t
code_at(struct span text, size_t at, size_t *len)
{
	uint32_t code = 0;

	*len = at < text.n ? utf8_decode(text.p + at, text.n - at, &code) : 0;
	return code;
}

/* ---- characters ---- */

static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool
is_flag_letter(uint32_t c)
{
	return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static bool
is_skin_tone(uint32_t c)
{
	return c >= 0x1f3fb && c <= 0x1f3ff;
}

static bool
extends(uint32_t c, struct span bytes)
{
	return c >= 0x300 && (is_skin_tone(c) || utf8_width(bytes) == 0);
}

static size_t
char_end(struct span text, size_t at)
{
	size_t len, next;
	uint32_t before = code_at(text, at, &len), c;
	bool joined = false;

	at += len;
	c = code_at(text, at, &next);
	if (before == '\r' && c == '\n')
		return at + next;
	if (is_control(before))
		return at;
	if (is_flag_letter(before) && is_flag_letter(c))
		at += next;
	for (;;) {
		c = code_at(text, at, &next);
		if (next == 0)
			return at;
		/* An emoji may follow a joiner. */
		if (!extends(c, span_of(text.p + at, next)) &&
		    !(joined && c >= 0x2000))
			return at;
		joined = c == ZWJ;
		at += next;
	}
}

/* ---- words ---- */

/* White space at which a line may be broken; its bytes, or 0. */
static size_t
space_at(struct span text, size_t at)
{
	size_t len;
	uint32_t c = code_at(text, at, &len);

	if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a && c != 0x2007) || c == 0x2028 ||
	    c == 0x2029 || c == 0x205f || c == 0x3000)
		return len;
	return 0;
}

static size_t
space_end(struct span text, size_t at)
{
	size_t len;

	while ((len = space_at(text, at)) > 0)
		at += len;
	return at;
}

/* A mark on a space makes it part of the word. */
static size_t
word_space_end(struct span text, size_t at)
{
	size_t len, next, to = at;
	uint32_t c;

	while ((len = space_at(text, to)) > 0) {
		c = code_at(text, to + len, &next);
		if (extends(c, span_of(text.p + to + len, next)))
			break;
		to += len;
	}
	return to;
}

static size_t
word_end(struct span text, size_t at)
{
	size_t space;

	at = word_space_end(text, at);
	while (at < text.n) {
		space = word_space_end(text, at);
		if (space > at)
			return space;
		at = char_end(text, at);
	}
	return at;
}

/* A word of up to max bytes, or a character. */
static size_t
token_word_end(struct span text, size_t at, size_t max)
{
	size_t end;

	if (text.n - at <= max)
		return word_end(text, at);
	/* Not into a sequence. */
	while (((unsigned char)text.p[at + max] & 0xc0) == 0x80)
		max--;
	end = word_end(span_of(text.p, at + max), at);
	if (end < at + max)
		return end;
	return char_end(text, at);
}

/* ---- lines and paragraphs ---- */

static size_t
line_end(struct span text, size_t at)
{
	const char *nl = memchr(text.p + at, '\n', text.n - at);

	return nl == NULL ? text.n : (size_t)(nl - text.p) + 1;
}

static bool
is_blank(struct span text, size_t from, size_t to)
{
	return space_end(span_of(text.p, to), from) == to;
}

/* Lines, and the blank ones around them. */
static size_t
paragraph_end(struct span text, size_t at)
{
	bool written = false, gap = false;
	size_t end;

	for (; at < text.n; at = end) {
		end = line_end(text, at);
		if (is_blank(text, at, end))
			gap = written;
		else if (gap)
			return at;
		else
			written = true;
	}
	return at;
}

/* ---- sentences ---- */

/* Marks after which a space must follow, and those that end all by themselves. */
static bool
is_stop(uint32_t c)
{
	return c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x61f ||
	       c == 0x6d4;
}

static bool
is_full_stop(uint32_t c)
{
	return c == 0x3002 || c == 0xff01 || c == 0xff1f || c == 0xff61 ||
	       c == 0x964 || c == 0x965;
}

static bool
closes(uint32_t c)
{
	return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0xbb ||
	       c == 0x2019 || c == 0x201d ||
	       (c >= 0x3009 && c <= 0x3011 && c % 2) || c == 0x300d ||
	       c == 0x300f || c == 0xff09;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

/* Whether the word before a full stop is cut short: an initial, a title. */
static bool
is_cut_short(struct span text, size_t from, size_t stop)
{
	static const char *const titles[] = {
	    "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "vs", "No", "Fig"};
	size_t begin = stop;
	struct span word;

	while (begin > from && is_letter(text.p[begin - 1]))
		begin--;
	word = span_of(text.p + begin, stop - begin);
	if (word.n == 1 && word.p[0] >= 'A' && word.p[0] <= 'Z' && word.p[0] != 'I')
		return true;
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (span_eq(word, span_str(titles[i])))
			return true;
	return false;
}

/*
 * Where the sentence ends, spaces and all, if one does with the marks at stop;
 * else 0. *behind: the marks and what closes.
 */
static size_t
stop_end(struct span text, size_t from, size_t stop, size_t *behind)
{
	size_t len, at = stop, end;
	uint32_t c, mark = code_at(text, stop, &len);
	bool full = false;

	for (; is_stop(c = code_at(text, at, &len)) || is_full_stop(c); at += len)
		full = full || is_full_stop(c);
	while (closes(code_at(text, at, &len)))
		at += len;
	*behind = at;
	end = word_space_end(text, at);
	if (end == at && at < text.n && !full)
		return 0;
	c = code_at(text, end, &len);
	if (!full && c >= 'a' && c <= 'z')
		return 0;
	return mark == '.' && is_cut_short(text, from, stop) ? 0 : end;
}

/* The end of the white space at a line's end, if it holds an empty line; else 0. */
static size_t
gap_end(struct span text, size_t at, size_t behind)
{
	size_t end = space_end(text, at);

	if (end <= behind || memchr(text.p + behind, '\n', end - behind) == NULL)
		return 0;
	return end;
}

/* An empty line ends a sentence too. */
static size_t
sentence_end(struct span text, size_t from)
{
	size_t at = space_end(text, from), end, len, behind;
	uint32_t c;

	for (; at < text.n; at = behind) {
		c = code_at(text, at, &len);
		end = 0;
		if (is_stop(c) || is_full_stop(c)) {
			end = stop_end(text, from, at, &behind);
		} else {
			behind = char_end(text, at);
			if (c == '\n' || c == '\r')
				end = gap_end(text, at, behind);
		}
		if (end > 0)
			return end;
	}
	return at;
}

size_t
unit_end(enum unit u, struct span text, size_t at, size_t max)
{
	switch (u) {
	case WORDS:
		return word_end(text, at);
	case LINES:
		return line_end(text, at);
	case SENTENCES:
		return sentence_end(text, at);
	case PARAGRAPHS:
		return paragraph_end(text, at);
	case TOKENS:
		return token_word_end(text, at, max);
	default:
		return char_end(text, at);
	}
}
