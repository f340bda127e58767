#include "schema/load.h"

#include "io/configfile.h"
#include "json/json.h"

#include <errno.h>
#include <string.h>

#define FILE_MAX ((size_t)16 << 20)

static const struct span bom = {"\xef\xbb\xbf", 3};

static int
check(const char *path, struct span text, struct err *e)
{
	struct json_fault fault;
	size_t line = 1, start = 0;

	if (json_check(text, &fault) == 0)
		return 0;
	for (size_t i = 0; i < fault.at; i++)
		if (text.p[i] == '\n') {
			line++;
			start = i + 1;
		}
	return err_set(
	    e, "%s:%zu:%zu: %s", path, line, fault.at - start + 1, fault.what);
}

struct schema *
schema_load(const char *path, const struct schema_options *o, struct buf *text,
    struct err *e)
{
	struct buf file = BUF_INIT;
	struct schema *s = NULL;
	struct span all;
	int rc;

	rc = configfile_read_path(path, FILE_MAX, &file, e);
	if (rc == 0)
		err_set(e, "%s: %s", path, strerror(ENOENT));
	all = buf_span(&file);
	if (span_starts(all, bom))
		all = span_of(all.p + bom.n, all.n - bom.n);
	if (rc == 1 && check(path, all, e) == 0) {
		s = schema_compile(all, o, e);
		if (s == NULL)
			err_prefix(e, "%s", path);
		else if (text != NULL)
			json_compact(text, all);
	}
	buf_release(&file);
	return s;
}
