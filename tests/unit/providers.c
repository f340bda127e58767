/* Which providers there are: those of the program, and what the user's file adds.
 */
#include "dialects/provider.h"
#include "io/fdio.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char config[] = "/tmp/bf-providers.XXXXXX";
static struct err e;

static void
path_of(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", config, name);
}

/* NULL: no file. */
static void
users_file(const char *text)
{
	char path[100];
	int fd;

	path_of(path, sizeof path, "bf/providers.json");
	(void)unlink(path);
	if (text == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write(fd, text, strlen(text)) != 0)
		ok(false, "cannot write %s", path);
	close(fd);
}

static struct providers *
with(const char *text, const struct provider_options *o)
{
	static const struct provider_options none = {.name = NULL};

	users_file(text);
	e = ERR_INIT;
	return providers_new(o == NULL ? &none : o, &e);
}

static void
is_bad(const char *text, const char *part)
{
	struct providers *ps = with(text, NULL);

	ok(ps == NULL && strstr(e.text, "/bf/providers.json") != NULL &&
		strstr(e.text, part) != NULL,
	    "%s: %s", text, e.text);
	providers_free(ps);
}

static void
test_built_in(void)
{
	struct providers *ps = with(NULL, NULL);
	const struct provider *p = providers_get(ps, SPAN("openai"), &e);
	int n = 0;

	ok(p != NULL && strcmp(p->base_url, "https://api.openai.com/v1") == 0 &&
		strcmp(p->endpoint, "openai") == 0 && p->key == NULL &&
		p->rpm == 0 && p->tpm == 0,
	    "openai is there");
	ok(provider_ready(p, &e) != 0 && strstr(e.text, "OPENAI_API_KEY") != NULL,
	    "without a key it is not ready: %s", e.text);
	ok(providers_get(ps, SPAN("openai"), &e) == p, "and stays where it is");
	p = providers_get(ps, SPAN("ollama"), &e);
	ok(p != NULL && p->key_variable == NULL && provider_ready(p, &e) == 0,
	    "one that takes no key is");
	ok(providers_get(ps, SPAN("nobody"), &e) == NULL &&
		strstr(e.text, "\"nobody\"") != NULL &&
		strstr(e.text, "openai, ") != NULL,
	    "who is not known is told, and who is: %s", e.text);
	while ((p = providers_at(ps, (size_t)n)) != NULL) {
		n++;
		if (providers_get(ps, span_str(p->name), &e) == NULL)
			ok(false, "%s: %s", p->name, e.text);
	}
	ok(n >= 5, "%d are known, and can be opened", n);
	providers_free(ps);
}

static void
test_added(void)
{
	struct providers *ps = with(
	    "{\"mine\":{\"base_url\":\"http://h:1/v1//"
	    "\",\"dialect\":\"openai-chat\","
	    "\"key\":\"MINE_KEY\",\"rpm\":600,\"tpm\":90000},"
	    "\"openai\":{\"rpm\":50},"
	    "\"gro\\u0071\":{\"base_url\":\"http://proxy/v1\",\"key\":null}}",
	    NULL);
	const struct provider *p;

	setenv("MINE_KEY", "secret-of-mine", 1);
	p = providers_get(ps, SPAN("mine"), &e);
	ok(p != NULL && strcmp(p->base_url, "http://h:1/v1") == 0 &&
		strcmp(p->endpoint, "mine") == 0 && !p->replaced && p->rpm == 600 &&
		p->tpm == 90000 && strcmp(p->key, "secret-of-mine") == 0,
	    "the user's own, whose answers are kept under its name");
	p = providers_get(ps, SPAN("openai"), &e);
	ok(p != NULL && p->rpm == 50 &&
		strcmp(p->base_url, "https://api.openai.com/v1") == 0,
	    "one member is overridden, the others stay");
	p = providers_get(ps, SPAN("groq"), &e);
	ok(p != NULL && strcmp(p->base_url, "http://proxy/v1") == 0 &&
		p->key_variable == NULL,
	    "null is as if it was not there; names are unescaped");
	providers_free(ps);
	unsetenv("MINE_KEY");
}

static void
header_is(struct providers *ps, const char *provider, const char *want)
{
	const struct provider *p = providers_get(ps, span_str(provider), &e);
	struct buf header = BUF_INIT;

	provider_add_key(p, &header);
	is_str(buf_cstr(&header), want, provider);
	buf_release(&header);
}

static void
test_auth(void)
{
	struct providers *ps;

	setenv("K", "secret-of-all", 1);
	ps = with("{\"plain\":{\"base_url\":\"http://h\",\"key\":\"K\","
		  "\"dialect\":\"openai-chat\"},"
		  "\"azure\":{\"base_url\":\"https://r.example/openai/v1\","
		  "\"dialect\":\"openai-chat\",\"key\":\"K\","
		  "\"auth\":\"api-key\"},"
		  "\"bearer\":{\"base_url\":\"http://h\",\"key\":\"K\","
		  "\"dialect\":\"openai-chat\",\"auth\":\"bearer\"}}",
	    NULL);
	header_is(ps, "plain", "Authorization: Bearer secret-of-all");
	header_is(ps, "bearer", "Authorization: Bearer secret-of-all");
	header_is(ps, "azure", "api-key: secret-of-all");
	providers_free(ps);
	unsetenv("K");
}

static void
test_options(void)
{
	const struct provider_options o = {
	    .name = "groq", .base_url = "http://localhost:7/", .endpoint = "here"};
	struct providers *ps = with(NULL, &o);
	const struct provider *p = providers_get(ps, SPAN("groq"), &e);

	ok(p != NULL && strcmp(p->base_url, "http://localhost:7") == 0 &&
		strcmp(p->endpoint, "here") == 0 && provider_ready(p, &e) == 0,
	    "options are for the provider that is named");
	p = providers_get(ps, SPAN("openai"), &e);
	ok(p != NULL && strcmp(p->endpoint, "openai") == 0, "and for no other");
	providers_free(ps);

	setenv("OPENAI_BASE_URL", "http://localhost:8/v1", 1);
	ps = with(NULL, NULL);
	p = providers_get(ps, SPAN("openai"), &e);
	ok(p != NULL && strcmp(p->endpoint, "localhost:8") == 0 && p->replaced,
	    "a variable replaces the base URL");
	p = providers_get(ps, SPAN("groq"), &e);
	ok(p != NULL && strcmp(p->endpoint, "groq") == 0, "of its provider alone");
	providers_free(ps);
	unsetenv("OPENAI_BASE_URL");
}

static void
test_bad(void)
{
	is_bad("{\"a\":", "not JSON: byte 5");
	is_bad("[]", "not an object");
	is_bad("{\"a\":[]}", "\"a\": not an object");
	is_bad("{\"\":{}}", "not a name");
	is_bad("{\"a@b\":{}}", "not a name");
	is_bad("{\"a\":{}}", "\"a\": no \"base_url\"");
	is_bad("{\"a\":{\"base_url\":\"http://h\"}}", "\"a\": no \"dialect\"");
	is_bad("{\"a\":{\"base_url\":7}}", "\"a\": \"base_url\": not a text");
	is_bad("{\"openai\":{\"base_url\":null}}", "no \"base_url\"");
	is_bad("{\"openai\":{\"key\":\"A\\u0000B\"}}", "\"key\": not a text");
	is_bad("{\"openai\":{\"dialect\":\"telex\"}}", "openai-chat");
	is_bad("{\"openai\":{\"auth\":\"a: b\\r\\nc\"}}", "\"auth\": not the name");
	is_bad("{\"openai\":{\"auth\":7}}", "\"auth\": not the name");
	is_bad("{\"openai\":{\"rpm\":0}}", "\"rpm\": not a number from 1");
	is_bad("{\"openai\":{\"tpm\":1.5}}", "\"tpm\": not a number from 1");
	is_bad("{\"openai\":{\"rmp\":1}}", "\"rmp\": not a member");
}

static void
test_unreadable(void)
{
	struct providers *ps;
	char path[100];

	users_file(NULL);
	path_of(path, sizeof path, "bf/providers.json");
	if (mkdir(path, 0700) != 0)
		ok(false, "mkdir %s", path);
	ps = providers_new(&(struct provider_options){.name = NULL}, &e);
	ok(ps == NULL && strstr(e.text, path) != NULL,
	    "what cannot be read is told: %s", e.text);
	providers_free(ps);
	rmdir(path);
}

int
main(void)
{
	char path[100];

	if (mkdtemp(config) == NULL)
		return 2;
	path_of(path, sizeof path, "bf");
	if (mkdir(path, 0700) != 0)
		return 2;
	setenv("XDG_CONFIG_HOME", config, 1);
	unsetenv("OPENAI_BASE_URL");
	unsetenv("OPENAI_API_KEY");
	unsetenv("BF_ENDPOINT");
	test_built_in();
	test_added();
	test_auth();
	test_options();
	test_bad();
	test_unreadable();
	users_file(NULL);
	rmdir(path);
	rmdir(config);
	return done();
}
