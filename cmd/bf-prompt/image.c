#include "image.h"

#include "base/mem.h"
#include "io/base64.h"
#include "io/beneath.h"
#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK = 48 << 10, /* bytes read at once: a multiple of 3, so that blocks
			     are encoded one by one */
	SHOWN = 200,      /* bytes of a path or a field in a message */
};

void
images_init(struct images *im)
{
	*im = (struct images){.dir = AT_FDCWD};
}

int
images_add(struct images *im, struct span field, struct err *e)
{
	struct path *p = path_parse(field, e);

	if (p == NULL)
		return -1;
	im->fields = mem_resize(im->fields, im->n + 1, sizeof(*im->fields));
	im->fields[im->n++] = p;
	return 0;
}

int
images_confine(struct images *im, const char *dir, struct err *e)
{
	if (im->confined)
		close(im->dir);
	im->dir = fd_open(dir, O_RDONLY | O_DIRECTORY, 0);
	im->confined = im->dir >= 0;
	return im->confined ? 0 : err_sys(e, "%s", dir);
}

void
images_release(struct images *im)
{
	for (size_t i = 0; i < im->n; i++)
		path_free(im->fields[i]);
	free(im->fields);
	if (im->confined)
		close(im->dir);
	buf_release(&im->scratch);
}

/* ---- whether there are any ---- */

static bool
is_none(struct span value)
{
	return value.p == NULL || json_type(value) == JSON_NULL ||
	       (json_type(value) == JSON_STRING && value.n == 2);
}

static bool
is_empty(struct span value)
{
	struct json_iter it;
	struct json_member m;

	if (value.p == NULL || json_type(value) != JSON_ARRAY)
		return is_none(value);
	it = json_iter(value);
	while (json_next(&it, &m))
		if (!is_none(m.value))
			return false;
	return true;
}

bool
images_any(const struct images *im, const struct entry *en)
{
	for (size_t i = 0; i < im->n; i++)
		if (!is_empty(path_find_entry(im->fields[i], en)))
			return true;
	return false;
}

/* ---- what kind it is ---- */

struct kind {
	const char *media;
	struct span magic;
	size_t at2; /* a second mark, where there is one */
	struct span magic2;
	bool is_file; /* its part is no image_url */
};

/* By what files begin with; their names say nothing. */
static const struct kind *
kind_of(struct span bytes)
{
	static const struct kind kinds[] = {
	    {.media = "image/png", .magic = SPAN_INIT("\x89PNG\r\n\x1a\n")},
	    {.media = "image/jpeg", .magic = SPAN_INIT("\xff\xd8\xff")},
	    {.media = "image/gif", .magic = SPAN_INIT("GIF87a")},
	    {.media = "image/gif", .magic = SPAN_INIT("GIF89a")},
	    {.media = "image/webp",
		.magic = SPAN_INIT("RIFF"),
		.at2 = 8,
		.magic2 = SPAN_INIT("WEBP")},
	    {.media = "application/pdf",
		.magic = SPAN_INIT("%PDF-"),
		.is_file = true},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *k = &kinds[i];

		if (span_starts(bytes, k->magic) &&
		    (k->magic2.n == 0 ||
			(bytes.n >= k->at2 &&
			    span_starts(span_of(bytes.p + k->at2, bytes.n - k->at2),
				k->magic2))))
			return k;
	}
	return NULL;
}

/* ---- a part ---- */

static void
part_begin(struct buf *out, bool is_file)
{
	buf_adds(out, is_file ? ",{\"type\":\"file\",\"file\":{\"file_data\":"
			      : ",{\"type\":\"image_url\",\"image_url\":{\"url\":");
}

/* A file wants a name: the last part of its path. */
static void
part_end(struct buf *out, bool is_file, struct span path)
{
	const char *slash;

	if (is_file) {
		slash = memrchr(path.p, '/', path.n);
		if (slash != NULL)
			path = span_of(
			    slash + 1, (size_t)(path.p + path.n - slash - 1));
		buf_adds(out, ",\"filename\":");
		json_add_string(out, path);
	}
	buf_adds(out, "}}");
}

/* ---- files ---- */

static int
shown(struct span s)
{
	return (int)(s.n < SHOWN ? s.n : SHOWN);
}

/* Without waiting for what a FIFO's other end does. */
static int
file_open(struct images *im, struct span path, struct err *e)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	char *name;
	int fd;

	if (memchr(path.p, '\0', path.n) != NULL)
		return err_set(e, "a NUL byte is in the path");
	if (im->confined && !beneath_is_path(path))
		return err_set(e,
		    "\"%.*s\": leads out of --image-dir: a path in it has no "
		    "\"..\" and does not begin with \"/\"",
		    shown(path), path.p);
	name = mem_strndup(path.p, path.n);
	fd = im->confined ? beneath_open(im->dir, name, flags)
			  : fd_open(name, flags, 0);
	free(name);
	if (fd >= 0)
		return fd;
	if (im->confined && errno == EXDEV)
		return err_set(e, "\"%.*s\": a link leads out of --image-dir",
		    shown(path), path.p);
	return err_sys(e, "\"%.*s\"", shown(path), path.p);
}

static int
file_check(int fd, struct span path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "\"%.*s\"", shown(path), path.p);
	if (!S_ISREG(st.st_mode))
		return err_set(e, "\"%.*s\" is %s, not a file", shown(path), path.p,
		    S_ISDIR(st.st_mode)    ? "a folder"
		    : S_ISFIFO(st.st_mode) ? "a FIFO"
					   : "a device or socket");
	return 0;
}

/* By its first bytes; NULL and e if it is none that is sent. */
static const struct kind *
file_begin(struct span bytes, struct span path, struct buf *out, struct err *e)
{
	const struct kind *k = kind_of(bytes);

	if (bytes.n == 0)
		err_set(e, "\"%.*s\" is empty", shown(path), path.p);
	else if (k == NULL)
		err_set(e,
		    "\"%.*s\" is no PNG, JPEG, GIF, WebP or PDF: convert it to "
		    "one of these",
		    shown(path), path.p);
	else {
		part_begin(out, k->is_file);
		buf_addf(out, "\"data:%s;base64,", k->media);
	}
	return k;
}

static int
file_encode(int fd, struct span path, struct buf *out, struct err *e)
{
	static char block[BLOCK];
	const struct kind *k = NULL;
	size_t size = 0;
	ssize_t n;

	do {
		n = fd_read_at(fd, block, sizeof(block), size);
		if (n < 0)
			return err_sys(e, "\"%.*s\"", shown(path), path.p);
		if (size == 0 && (k = file_begin(span_of(block, (size_t)n), path,
				      out, e)) == NULL)
			return -1;
		size += (size_t)n;
		if (size > IMAGE_MAX)
			return err_set(e,
			    "\"%.*s\" is larger than the 20 MiB that providers "
			    "take: make it smaller",
			    shown(path), path.p);
		base64_encode(out, span_of(block, (size_t)n));
	} while (n == BLOCK);
	buf_addc(out, '"');
	part_end(out, k->is_file, path);
	return 0;
}

static int
add_file(struct images *im, struct span path, struct buf *out, struct err *e)
{
	int fd = file_open(im, path, e), rc;

	if (fd < 0)
		return -1;
	rc = file_check(fd, path, e) == 0 ? file_encode(fd, path, out, e) : -1;
	fd_close(fd);
	return rc;
}

/* ---- URLs ---- */

/* It goes on as it came; value is the URL as JSON. */
static int
add_data(struct span url, struct span value, struct buf *out, struct err *e)
{
	static const struct span pdf = SPAN_INIT("data:application/pdf;");
	const char *comma = memchr(url.p, ',', url.n);
	struct span head = span_of(
	    url.p, comma == NULL ? 0 : (size_t)(comma + 1 - url.p));
	static const struct span end = SPAN_INIT(";base64,");

	if (head.n < end.n || memcmp(comma + 1 - end.n, end.p, end.n) != 0)
		return err_set(e, "a data: URL that is not in base64");
	if (span_starts(url, pdf)) {
		part_begin(out, true);
		buf_addspan(out, value);
		part_end(out, true, SPAN("document.pdf"));
		return 0;
	}
	if (!span_starts(url, SPAN("data:image/")))
		return err_set(e, "a data: URL of no image and no PDF");
	part_begin(out, false);
	buf_addspan(out, value);
	part_end(out, false, SPAN_NONE);
	return 0;
}

static int
add_one(struct images *im, struct span value, struct buf *out, struct err *e)
{
	struct span text;

	if (is_none(value))
		return 0;
	if (!json_text(value, &im->scratch, &text))
		return err_set(e, "%s, where the path or URL of an image should be",
		    json_type_name(json_type(value)));
	if (span_starts(text, SPAN("data:")))
		return add_data(text, value, out, e);
	if (!span_starts(text, SPAN("http://")) &&
	    !span_starts(text, SPAN("https://")))
		return add_file(im, text, out, e);
	part_begin(out, false);
	buf_addspan(out, value);
	part_end(out, false, SPAN_NONE);
	return 0;
}

/* ---- all of them ---- */

static int
add_checked(struct images *im, struct span value, struct buf *out, struct err *e)
{
	if (add_one(im, value, out, e) != 0)
		return -1;
	if (out->len > REQUEST_MAX)
		return err_set(e, "with this image the request is longer than the "
				  "128 MiB that bf-llm takes");
	return 0;
}

static int
add_field(struct images *im, struct span value, struct buf *out, struct err *e)
{
	struct json_iter it;
	struct json_member m;

	if (value.p == NULL || json_type(value) != JSON_ARRAY)
		return add_checked(im, value, out, e);
	it = json_iter(value);
	for (size_t i = 0; json_next(&it, &m); i++)
		if (add_checked(im, m.value, out, e) != 0)
			return err_prefix(e, "[%zu]", i);
	return 0;
}

int
images_render(
    struct images *im, const struct entry *en, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < im->n; i++) {
		struct span field = path_text(im->fields[i]);
		struct span value = path_find_entry(im->fields[i], en);

		if (add_field(im, value, out, e) != 0)
			return err_prefix(
			    e, "field \"%.*s\"", shown(field), field.p);
	}
	return 0;
}
