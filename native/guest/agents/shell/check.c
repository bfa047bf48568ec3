#define _GNU_SOURCE
#include "bash.h"

#include <ctype.h>
#include <string.h>

#include "output.h"
#include "questions.h"

/* What bash's parser says about a source that breaks off, as one that goes on might not. */
static const char *const broken_off[] = {"unexpected end of file", "unexpected EOF", "delimited by end-of-file"};

/* Words after which a line's block begins. */
static const char *const opening[] = {"do", "then", "else", "{", "("};

static int says_broken_off(const char *messages) {
  for (unsigned i = 0; i < sizeof broken_off / sizeof broken_off[0]; i++) {
    if (strstr(messages, broken_off[i]) != NULL) return 1;
  }
  return 0;
}

/* A backslash at the very end would join the next line. */
static int is_continued(const char *source) {
  size_t length = strlen(source);
  size_t backslashes = 0;
  if (length > 0 && source[length - 1] == '\n') length--;
  while (backslashes < length && source[length - 1 - backslashes] == '\\') backslashes++;
  return backslashes % 2 == 1;
}

static void parse(const char *source, char *messages, size_t size) {
  const int exit_value = last_command_exit_value;
  const int globs = extended_glob;
  memset(messages, 0, size);
  zb_output_divert(messages, size - 1);
  /* A cell may turn it on in a line before it uses it. */
  extended_glob = 1;
  parse_and_execute(savestring(source), "check", SEVAL_PARSEONLY | SEVAL_NOHIST | SEVAL_RESETLINE);
  extended_glob = globs;
  zb_output_divert(NULL, 0);
  last_command_exit_value = exit_value;
}

/* As the last line that is not empty, and deeper after what opens a block. */
static void add_indent(struct zb_text *answer, const char *source) {
  size_t end = strlen(source);
  while (end > 0 && isspace((unsigned char)source[end - 1])) end--;
  size_t start = end;
  while (start > 0 && source[start - 1] != '\n') start--;
  size_t indent = 0;
  while (start + indent < end && (source[start + indent] == ' ' || source[start + indent] == '\t')) indent++;
  char line[256] = "";
  if (indent < sizeof line - 3) memcpy(line, source + start, indent);
  size_t word = end;
  while (word > start + indent && !isspace((unsigned char)source[word - 1]) && source[word - 1] != ';') word--;
  for (unsigned i = 0; i < sizeof opening / sizeof opening[0]; i++) {
    if (end - word == strlen(opening[i]) && strncmp(source + word, opening[i], end - word) == 0) {
      strcat(line, memchr(line, '\t', indent) != NULL ? "\t" : "  ");
    }
  }
  zb_text_add_json(answer, line);
}

void zb_check(struct zb_text *answer, const char *source) {
  static char messages[4096];
  parse(source, messages, sizeof messages);
  const char *status = "complete";
  if (says_broken_off(messages) || is_continued(source)) {
    status = "incomplete";
  } else if (messages[0] != '\0') {
    status = "invalid";
  }
  zb_text_add_string(answer, "{\"status\": ");
  zb_text_add_json(answer, status);
  zb_text_add_string(answer, ", \"indent\": ");
  if (strcmp(status, "incomplete") == 0) {
    add_indent(answer, source);
  } else {
    zb_text_add_json(answer, "");
  }
  zb_text_add_string(answer, "}");
}
