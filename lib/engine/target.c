#include "engine/target.h"

#include "io/secret.h"

struct http_target *
provider_target(
    struct http *h, const struct provider *p, const char *path, struct err *e)
{
	struct buf url = BUF_INIT, authorization = BUF_INIT;
	const char *headers[3] = {"Content-Type: application/json", NULL};
	struct http_target *t;
	size_t n = 1;

	buf_addf(&url, "%s%s", p->base_url, path);
	if (p->dialect->header != NULL)
		headers[n++] = p->dialect->header;
	if (p->key != NULL) {
		provider_add_key(p, &authorization);
		headers[n++] = buf_cstr(&authorization);
	}
	t = http_target_new(h, buf_cstr(&url), headers, n, e);
	if (authorization.len > 0)
		secret_wipe(authorization.data, authorization.len);
	buf_release(&authorization);
	buf_release(&url);
	return t;
}
