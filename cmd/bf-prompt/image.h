/*
 * image: the images that an entry names, as parts of a message.
 *
 * A field holds an image's path, an http(s) URL, a data: URL, or an array of
 * these; where it is absent, null or "" there is none.  A file becomes a data:
 * URL, its media type told by its first bytes.  A PDF becomes a part of its own
 * kind, a file.
 */
#ifndef BF_PROMPT_IMAGE_H
#define BF_PROMPT_IMAGE_H

#include "json/path.h"

#define IMAGE_MAX ((size_t)20 << 20) /* bytes of a file: what the providers take \
				      */
#define REQUEST_MAX ((size_t)128 << 20) /* bytes of a request that bf-llm takes */

struct images {
	struct path **fields;
	size_t n;
	int dir;       /* where paths begin */
	bool confined; /* and what they must not leave */
	struct buf scratch;
};

void images_init(struct images *im);

/* A field to look at, by its path.  0, or -1 and e. */
int images_add(struct images *im, struct span field, struct err *e);
/* From now on files are those beneath this folder.  0, or -1 and e. */
int images_confine(struct images *im, const char *dir, struct err *e);

/* Whether an entry has an image, or what is to be told of as none. */
bool images_any(const struct images *im, const struct entry *en);

/*
 * Appends the parts, each behind a comma, as out begins with the request that
 * they go into.  0, or -1 and e, which names the field.
 */
int images_render(
    struct images *im, const struct entry *en, struct buf *out, struct err *e);

void images_release(struct images *im);

#endif
