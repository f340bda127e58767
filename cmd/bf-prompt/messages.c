#include "messages.h"

void
messages_begin(struct messages *m, enum role role)
{
	static const char *const names[] = {
	    [ROLE_SYSTEM] = "system",
	    [ROLE_USER] = "user",
	    [ROLE_ASSISTANT] = "assistant",
	};

	if (m->open && m->last == role) {
		buf_adds(m->out, "\\n\\n");
		return;
	}
	messages_end(m);
	if (m->last != ROLE_NONE)
		buf_addc(m->out, ',');
	buf_adds(m->out, "{\"role\":\"");
	buf_adds(m->out, names[role]);
	buf_adds(m->out, "\",\"content\":");
	m->content = m->out->len;
	buf_addc(m->out, '"');
	m->last = role;
	m->open = true;
}

void
messages_end(struct messages *m)
{
	if (m->open)
		buf_adds(m->out, "\"}");
	m->open = false;
}

void
messages_append(struct messages *m, struct span open)
{
	messages_end(m);
	if (m->last != ROLE_NONE)
		buf_addc(m->out, ',');
	buf_addspan(m->out, open);
	m->last = ROLE_ASSISTANT;
	m->open = true;
}

static void
insert(struct buf *b, size_t at, struct span text)
{
	buf_room(b, text.n);
	memmove(b->data + at + text.n, b->data + at, b->len - at);
	memcpy(b->data + at, text.p, text.n);
	b->len += text.n;
}

int
messages_images(
    struct messages *m, struct images *im, const struct entry *en, struct err *e)
{
	insert(m->out, m->content, SPAN("[{\"type\":\"text\",\"text\":"));
	buf_adds(m->out, "\"}");
	if (images_render(im, en, m->out, e) < 0)
		return -1;
	buf_adds(m->out, "]}");
	m->open = false;
	return 0;
}
