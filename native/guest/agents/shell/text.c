#define _GNU_SOURCE
#include "bash.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

void zb_text_add(struct zb_text *text, const char *bytes, size_t length) {
  if (text->length + length > text->capacity) {
    text->capacity = 2 * (text->length + length);
    text->bytes = xrealloc(text->bytes, text->capacity);
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

void zb_text_add_string(struct zb_text *text, const char *string) { zb_text_add(text, string, strlen(string)); }

void zb_text_add_number(struct zb_text *text, unsigned long number) {
  char digits[24];
  zb_text_add(text, digits, (size_t)snprintf(digits, sizeof digits, "%lu", number));
}

void zb_text_add_json(struct zb_text *text, const char *string) {
  zb_text_add(text, "\"", 1);
  for (const char *at = string; *at != '\0'; at++) {
    const unsigned char byte = (unsigned char)*at;
    if (byte == '"' || byte == '\\') {
      zb_text_add(text, "\\", 1);
      zb_text_add(text, at, 1);
    } else if (byte < 0x20) {
      char escape[8];
      zb_text_add(text, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
    } else {
      zb_text_add(text, at, 1);
    }
  }
  zb_text_add(text, "\"", 1);
}

void zb_text_free(struct zb_text *text) {
  free(text->bytes);
  *text = (struct zb_text){0};
}

/* Bytes of a code point by its first byte; 0: none begins so. */
static size_t sequence(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

int zb_text_count(const char *bytes, size_t length, size_t *code_points) {
  *code_points = 0;
  for (size_t at = 0; at < length; ++*code_points) {
    const size_t n = sequence((unsigned char)bytes[at]);
    if (n == 0 || n > length - at) return 0;
    for (size_t i = 1; i < n; i++) {
      if (((unsigned char)bytes[at + i] & 0xc0) != 0x80) return 0;
    }
    at += n;
  }
  return 1;
}

size_t zb_text_offset(const char *source, size_t length, uint32_t code_points) {
  size_t at = 0;
  while (at < length) {
    if (((unsigned char)source[at] & 0xc0) != 0x80 && code_points-- == 0) break;
    at++;
  }
  return at;
}
