#define _GNU_SOURCE
#include "bash.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "questions.h"

/* Of a name; what is longer is none. */
#define MAX_NAME 256
/* Of what is told, code points or less. */
#define MAX_TOLD (32 * 1024)

static int is_name(char c) { return isalnum((unsigned char)c) || strchr("_-.+/:@", c) != NULL; }

static int is_variable(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* The name at the cursor, and whether a dollar is before it. Its length, or 0. */
static size_t name_at(const char *source, size_t length, size_t cursor, char *name, int *has_dollar) {
  size_t begin = cursor;
  size_t end = cursor;
  while (begin > 0 && is_variable(source[begin - 1])) begin--;
  while (end < length && is_variable(source[end])) end++;
  *has_dollar = begin > 0 && (source[begin - 1] == '$' || source[begin - 1] == '{');
  if (!*has_dollar) {
    while (begin > 0 && is_name(source[begin - 1])) begin--;
    while (end < length && is_name(source[end])) end++;
  }
  const size_t found = end - begin;
  if (found == 0 || found >= MAX_NAME) return 0;
  memcpy(name, source + begin, found);
  name[found] = '\0';
  return found;
}

static char *told(const char *kind, const char *text) {
  char *both = NULL;
  if (asprintf(&both, "%s%s%.*s", kind, text[0] == '\0' ? "" : ": ", MAX_TOLD, text) < 0) return NULL;
  return both;
}

static char *tell_variable(const char *name) {
  SHELL_VAR *variable = find_variable(name);
  if (variable == NULL || !var_isset(variable)) return NULL;
  if (array_p(variable)) return told("array", "");
  if (assoc_p(variable)) return told("associative array", "");
  return told(readonly_p(variable) ? "read-only variable" : "variable", get_variable_value(variable));
}

/* In the order in which bash looks for a command. */
static char *tell_command(const char *name) {
  const char *alias = expand_aliases ? get_alias_value((char *)name) : NULL;
  if (alias != NULL) return told("alias", alias);
  if (find_reserved_word((char *)name) >= 0) return told("keyword", "");
  SHELL_VAR *function = find_function(name);
  if (function != NULL) return told("function", named_function_string((char *)name, function_cell(function), 1));
  const struct builtin *builtin = builtin_address_internal((char *)name, 0);
  if (builtin != NULL) return told("builtin", builtin->short_doc);
  char *path = search_for_command(name, 0);
  if (path == NULL) return NULL;
  char *text = file_status(path) & FS_EXECABLE ? told("file", path) : NULL;
  free(path);
  return text;
}

void zb_inspect(struct zb_text *answer, const char *source, size_t length, uint32_t cursor) {
  char name[MAX_NAME];
  int has_dollar = 0;
  char *text = NULL;
  if (name_at(source, length, zb_text_offset(source, length, cursor), name, &has_dollar) > 0) {
    text = has_dollar ? NULL : tell_command(name);
    if (text == NULL) text = tell_variable(name);
  }
  size_t code_points;
  const int found = text != NULL && zb_text_count(text, strlen(text), &code_points);
  zb_text_add_string(answer, found ? "{\"found\": true, " : "{\"found\": false, ");
  zb_text_add_string(answer, "\"bundle\": {\"text/plain\": ");
  zb_text_add_json(answer, found ? text : "");
  zb_text_add_string(answer, "}}");
  free(text);
}
