/* Which addresses are public, and what a URL and headers say. */
#include "http/address.h"
#include "http/headers.h"
#include "http/url.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static bool
is_public(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return address_is_public((struct sockaddr *)&in);
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		abort();
	return address_is_public((struct sockaddr *)&in6);
}

/* The first and the last of what is special, and what is next to it. */
static void
test_addresses(void)
{
	static const char *const not [] = {"0.0.0.0", "0.255.255.255", "10.0.0.0",
	    "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
	    "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0",
	    "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.1",
	    "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
	    "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
	    "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
	    "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::7f00:1",
	    "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "2001::1",
	    "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
	    "3fff::1", "3fff:fff::1", "4000::1", "fc00::1", "fdff::1", "fe80::1",
	    "febf::1", "fec0::1", "ff02::1"};
	static const char *const is[] = {"1.0.0.0", "1.1.1.1", "8.8.8.8",
	    "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
	    "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
	    "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
	    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
	    "198.51.101.0", "203.0.114.0", "223.255.255.255", "::ffff:8.8.8.8",
	    "64:ff9b::808:808", "2001:200::1", "2001:4860:4860::8888",
	    "2002:808:808::1", "2600::1", "2a00::1", "3ffe::1"};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t i;

	for (i = 0; i < sizeof not / sizeof *not ; i++)
		ok(!is_public(not [i]), "%s is not public", not [i]);
	for (i = 0; i < sizeof is / sizeof *is; i++)
		ok(is_public(is[i]), "%s is public", is[i]);
	ok(!address_is_public((struct sockaddr *)&un), "nor is another family's");
}

static void
reads(const char *base, const char *text, const char *want, const char *origin)
{
	struct url u = {.text = BUF_INIT};
	struct err e = ERR_INIT;
	int rc = url_read(&u, base, text, &e);

	if (want == NULL)
		ok(rc != 0, "\"%s\" is none: %s", text, e.text);
	else
		ok(rc == 0 && strcmp(buf_cstr(&u.text), want) == 0 &&
			strcmp(buf_cstr(&u.origin), origin) == 0,
		    "\"%s\" is %s of %s", text, want, origin);
	url_release(&u);
}

static void
test_urls(void)
{
	reads(NULL, "http://Ex.org", "http://Ex.org/", "http://ex.org:80");
	reads(NULL, "HTTPS://ex.org:443/a#b", "https://ex.org:443/a",
	    "https://ex.org:443");
	reads("http://ex.org/a/b?c", "../d", "http://ex.org/d", "http://ex.org:80");
	reads("http://ex.org/a/b?c=1", "?e=2", "http://ex.org/a/b?e=2",
	    "http://ex.org:80");
	reads("http://ex.org/a", "//other.org/x", "http://other.org/x",
	    "http://other.org:80");
	reads("http://ex.org/a", "https://other.org:8/", "https://other.org:8/",
	    "https://other.org:8");
	reads(NULL, "http://u@ex.org/", NULL, NULL);
	reads(NULL, "http://u:p@ex.org/", NULL, NULL);
	reads(NULL, "ftp://ex.org/", NULL, NULL);
	reads(NULL, "file:///etc/passwd", NULL, NULL);
	reads(NULL, "", NULL, NULL);
	reads(NULL, "/a", NULL, NULL);
	reads(NULL, "http://a b/", NULL, NULL);
	reads("http://ex.org/a", "http:///", NULL, NULL);
}

static void
test_encoding(void)
{
	struct buf out = BUF_INIT;

	url_add_encoded(&out, SPAN("aZ09-._~ /?&=#%+\0\xff"));
	is_span(buf_span(&out), SPAN("aZ09-._~%20%2F%3F%26%3D%23%25%2B%00%FF"),
	    "all but unreserved characters are encoded");
	buf_clear(&out);
	url_add_written(&out, SPAN(" \thttp://x/a b?c=%20|\xc3\xa9#d\n"));
	is_span(buf_span(&out), SPAN("http://x/a%20b?c=%20%7C%C3%A9#d"),
	    "of a URL what it may not hold");
	buf_release(&out);
}

static void
finds(struct span lines, const char *name, struct span want, const char *what)
{
	struct buf out = BUF_INIT;

	headers_find(lines, name, &out);
	is_span(buf_span(&out), want, what);
	buf_release(&out);
}

static void
links(struct span value, struct span want, const char *what)
{
	is_span(headers_next_link(value), want, what);
}

static void
test_headers(void)
{
	static const struct span h = SPAN_INIT(
	    "HTTP/1.1 200 OK\r\nLINK:  <a>; rel=x \r\nlink:<b>; rel=next\r\n"
	    "X: 1\r\nx: 2\r\nXY: 3\r\nEmpty:\r\n\r\n");

	finds(h, "x", SPAN("2"), "the last of a name");
	finds(h, "link", SPAN("<a>; rel=x, <b>; rel=next"),
	    "but links follow each other");
	finds(h, "empty", SPAN(""), "an empty value");
	finds(h, "no", SPAN(""), "one that is not there");
	finds(SPAN("x"), "x", SPAN(""), "no header");
	is_span(headers_parameter(SPAN("a/b; Charset=utf-8"), "charset"),
	    SPAN("utf-8"), "a parameter");
	is_span(headers_parameter(SPAN("a/b;x=y;charset=\"a b\";z"), "charset"),
	    SPAN("a b"), "in quotes");
	is_span(headers_parameter(SPAN("a/b; charset=\"a"), "charset"), SPAN("a"),
	    "of which one is missing");
	is_span(headers_parameter(SPAN("a/b; charsets=a;charset"), "charset"),
	    SPAN_NONE, "none");
	links(SPAN("<a>; rel=\"prev\", <b?c>; x=y; rel=\"Next\""), SPAN("b?c"),
	    "the next link");
	links(SPAN("<a>; rel=next"), SPAN("a"), "without quotes");
	links(SPAN("<a>; rel=last, <b>"), SPAN_NONE, "there is none");
	links(SPAN("<a"), SPAN_NONE, "no end");
	links(SPAN(""), SPAN_NONE, "nothing");
}

int
main(void)
{
	test_addresses();
	test_urls();
	test_encoding();
	test_headers();
	return done();
}
