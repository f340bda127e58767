/* From an entry to what is sent and the key of its answer. */
#include "engine/request.h"
#include "io/hash.h"
#include "tap.h"

static char endpoint[] = "e";
static char name[] = "openai";
static const struct provider provider = {
    .name = name, .dialect = &dialect_openai_chat, .endpoint = endpoint};
static struct request r;

/* The key in hex, or the error. */
static const char *
key_of(const char *line)
{
	static char hex[2 * REQUEST_KEY_SIZE + 1];
	static struct err e;
	struct entry en = ENTRY_INIT;
	struct json_fault f;
	int got;

	if (entry_parse(&en, span_str(line), &f) != 0)
		return "no entry";
	got = request_read_for(&r, &en, "dflt", &provider, &e);
	entry_release(&en);
	if (got != 0)
		return e.text;
	hash_hex(r.key, sizeof r.key, hex);
	hex[2 * REQUEST_KEY_SIZE] = '\0';
	return hex;
}

static void
test_bodies(void)
{
	key_of("{\"prompt\":\"a\\u0041\"}");
	is_span(buf_span(&r.body),
	    SPAN("{\"messages\":[{\"content\":\"aA\",\"role\":\"user\"}],\"model\":"
		 "\"dflt\"}"),
	    "a prompt becomes a message");
	key_of("{\"messages\":[1],\"prompt\":\"p\"}");
	is_span(buf_span(&r.body), SPAN("{\"messages\":[1],\"model\":\"dflt\"}"),
	    "messages go before a prompt");
	key_of("{\"request\":{\"z\":1,\"model\":\"m@openai\",\"messages\":[1]},"
	       "\"messages\":[2]}");
	is_span(buf_span(&r.body),
	    SPAN("{\"messages\":[1],\"model\":\"m\",\"z\":1}"),
	    "a request before both");
	is_span(buf_span(&r.model), SPAN("m"), "the model's own name");
	key_of("{\"custom_id\":\"1\",\"body\":{\"messages\":[3],\"model\":null}}");
	is_span(buf_span(&r.body), SPAN("{\"messages\":[3],\"model\":\"dflt\"}"),
	    "a batch line; a model that is null is none");
	key_of("{\"prompt\":\"\\ud800 \\udc00\"}");
	is_int((long long)r.surrogates, 2, "lone surrogates are counted");
}

static void
test_keys(void)
{
	static const char text[] =
	    "{\"body\":{\"messages\":[1]},\"dialect\":\"openai-chat\","
	    "\"endpoint\":\"e\",\"model\":\"m\",\"sample\":0}";
	unsigned char want[REQUEST_KEY_SIZE];
	char hex[2 * REQUEST_KEY_SIZE + 1] = "",
					first[2 * REQUEST_KEY_SIZE + 1] = "";

	hash_blake2b(SPAN(text), want, sizeof want);
	hash_hex(want, sizeof want, hex);
	strncpy(first, key_of("{\"request\":{\"model\":\"m\",\"messages\":[1]}}"),
	    sizeof first - 1);
	is_str(first, hex, "the key is the hash of the documented text");
	is_str(key_of("{\"id\":7, \"request\":{ \"messages\" : [ 1 "
		      "],\"stream\":true,\"user\":\"u\","
		      "\"\\u006dodel\":\"m@openai\"},\"sample\":0}"),
	    hex, "what is not asked makes no difference");
	ok(strcmp(
	       key_of(
		   "{\"request\":{\"model\":\"m\",\"messages\":[1]},\"sample\":1}"),
	       hex) != 0,
	    "another sample is another call");
	ok(strcmp(key_of("{\"request\":{\"model\":\"m\",\"messages\":[1.0]}}"),
	       hex) != 0,
	    "numbers count as they are written");
	ok(strcmp(key_of("{\"request\":{\"model\":\"m\",\"messages\":[1],\"seed\":"
			 "null}}"),
	       hex) != 0,
	    "any further member is another call");
}

static void
test_refused(void)
{
	static const char *const lines[] = {"{}", "{\"request\":1}",
	    "{\"prompt\":1}", "{\"prompt\":null}", "{\"messages\":{}}",
	    "{\"messages\":[]}", "{\"custom_id\":1}",
	    "{\"custom_id\":1,\"body\":[]}", "{\"body\":{\"messages\":[1]}}",
	    "{\"request\":{\"messages\":[1],\"n\":2}}",
	    "{\"request\":{\"messages\":[1],\"n\":1.5}}",
	    "{\"request\":{\"messages\":[1],\"model\":7}}",
	    ("{\"custom_id\":1,\"url\":\"/v1/"
	     "responses\",\"body\":{\"messages\":[1]}}")};
	size_t i;

	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		const char *got = key_of(lines[i]);

		ok(strchr(got, ' ') != NULL, "%s: %s", lines[i], got);
	}
}

int
main(void)
{
	test_bodies();
	test_keys();
	test_refused();
	request_release(&r);
	return done();
}
