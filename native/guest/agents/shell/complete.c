#define _GNU_SOURCE
#include "bash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "questions.h"

/* Of the line before the cursor; what is longer is not looked at. */
#define MAX_LINE 4096

void zb_complete_open(void) { initialize_readline(); }

static int is_directory(const char *path) {
  struct stat status;
  char *expanded = bash_tilde_expand(path, 0);
  const int result = stat(expanded, &status) == 0 && S_ISDIR(status.st_mode);
  free(expanded);
  return result;
}

/* As it is to be written where the word stands: quoted, and a directory so that one can go on. */
static char *spell(const char *match, int are_files, char quote) {
  const int directory = are_files && match[0] != '\0' && match[strlen(match) - 1] != '/' && is_directory(match);
  char *quoted = are_files && quote == '\0' ? sh_backslash_quote((char *)match, NULL, 0) : savestring(match);
  /* The home directory stays what it is. */
  if (quoted[0] == '\\' && quoted[1] == '~') memmove(quoted, quoted + 1, strlen(quoted));
  if (!directory) return quoted;
  char *spelled = xmalloc(strlen(quoted) + 2);
  strcpy(spelled, quoted);
  strcat(spelled, "/");
  free(quoted);
  return spelled;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void add_matches(struct zb_text *answer, char **matches, int are_files, char quote) {
  size_t count = 0;
  while (matches != NULL && matches[count] != NULL) count++;
  /* The first is what all have in common, unless it is the only one. */
  char **first = count > 1 ? matches + 1 : matches;
  if (count > 1) count--;
  for (size_t i = 0; i < count; i++) {
    char *spelled = spell(first[i], are_files, quote);
    free(first[i]);
    first[i] = spelled;
  }
  if (count > 1) qsort(first, count, sizeof *first, by_text);
  int added = 0;
  for (size_t i = 0; i < count; i++) {
    size_t code_points;
    if (i > 0 && strcmp(first[i], first[i - 1]) == 0) continue;
    if (!zb_text_count(first[i], strlen(first[i]), &code_points)) continue;
    if (added++ > 0) zb_text_add_string(answer, ", ");
    zb_text_add_json(answer, first[i]);
  }
}

void zb_complete(struct zb_text *answer, const char *source, size_t length, uint32_t cursor) {
  const size_t end = zb_text_offset(source, length, cursor);
  size_t begin = end;
  while (begin > 0 && end - begin < MAX_LINE && source[begin - 1] != '\n') begin--;
  static char line[MAX_LINE + 1];
  memcpy(line, source + begin, end - begin);
  line[end - begin] = '\0';

  /* What readline would have before it asks bash. */
  char *line_before = rl_line_buffer;
  rl_line_buffer = line;
  rl_point = rl_end = (int)(end - begin);
  rl_completion_type = '?';
  rl_filename_completion_desired = rl_attempted_completion_over = rl_completion_suppress_quote = 0;
  rl_filename_quoting_desired = 1;
  int found_quote = 0;
  int delimiter = 0;
  const char quote = _rl_find_completion_word(&found_quote, &delimiter);
  rl_completion_quote_character = quote;
  const int start = rl_point;
  rl_point = rl_end;
  /* Functions of the user's that complete are not called. */
  const int programmable = prog_completion_enabled;
  prog_completion_enabled = 0;
  char **matches = rl_attempted_completion_function(line + start, start, rl_end);
  if (matches == NULL && !rl_attempted_completion_over) {
    matches = rl_completion_matches(line + start, rl_filename_completion_function);
  }
  prog_completion_enabled = programmable;
  rl_line_buffer = line_before;

  size_t before, upto;
  zb_text_count(source, begin + (size_t)start, &before);
  zb_text_count(source, end, &upto);
  zb_text_add_string(answer, "{\"matches\": [");
  add_matches(answer, matches, rl_filename_completion_desired, quote);
  zb_text_add_string(answer, "], \"start\": ");
  zb_text_add_number(answer, before);
  zb_text_add_string(answer, ", \"end\": ");
  zb_text_add_number(answer, upto);
  zb_text_add_string(answer, "}");
  strvec_dispose(matches);
}
