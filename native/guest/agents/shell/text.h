/*
 * Text that grows.
 */
#ifndef ZEROBOOT_SHELL_TEXT_H
#define ZEROBOOT_SHELL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct zb_text {
  char *bytes;
  size_t length;
  size_t capacity;
};

void zb_text_add(struct zb_text *text, const char *bytes, size_t length);
void zb_text_add_string(struct zb_text *text, const char *string);
void zb_text_add_number(struct zb_text *text, unsigned long number);
/* A string of JSON, quoted. `string` is UTF-8. */
void zb_text_add_json(struct zb_text *text, const char *string);
void zb_text_free(struct zb_text *text);

/* Whether it is UTF-8, and how many code points that is. */
int zb_text_count(const char *bytes, size_t length, size_t *code_points);
/* Bytes of the first `code_points` of it, or all of it. */
size_t zb_text_offset(const char *bytes, size_t length, uint32_t code_points);

#endif
