#define _GNU_SOURCE
#include "bash.h"

#include "questions.h"

#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "interrupt.h"
#include "link.h"
#include "output.h"
#include "signals.h"

struct question {
  uint8_t flags;
  const char *source;
  size_t length;
  uint32_t cursor;
  struct zb_text answer;
};

static void answer_it(void *argument) {
  struct question *of = argument;
  if (of->flags & ZB_EXECUTE_CHECK) {
    zb_check(&of->answer, of->source);
  } else if (of->flags & ZB_EXECUTE_INSPECT) {
    zb_inspect(&of->answer, of->source, of->length, of->cursor);
  } else {
    zb_complete(&of->answer, of->source, of->length, of->cursor);
  }
}

void zb_questions_open(void) { zb_complete_open(); }

void zb_questions_answer(uint16_t execution, uint8_t flags, const uint8_t *payload, size_t length) {
  struct question of = {.flags = flags};
  const size_t skip = flags & ZB_EXECUTE_CHECK || length < sizeof of.cursor ? 0 : sizeof of.cursor;
  memcpy(&of.cursor, payload, skip);
  of.length = length - skip;
  char *source = xmalloc(of.length + 1);
  memcpy(source, payload + skip, of.length);
  source[of.length] = '\0';
  of.source = source;
  const int exit_value = last_command_exit_value;

  zb_shell_signals_begin();
  /* What children print meanwhile is of no cell. */
  zb_output_own(0);
  zb_interrupt_begin(execution);
  zb_shell_signals_handle();
  const int jumped = zb_cell_guard(answer_it, &of);
  zb_interrupt_end();
  zb_output_divert(NULL, 0);
  last_command_exit_value = exit_value;
  if (jumped == 0) {
    zb_output_send(ZB_GUEST_RESULT, ZB_MIME_JSON | ZB_PART_LAST_OF_BUNDLE, execution, of.answer.bytes,
                   of.answer.length);
  }
  const int interrupted = jumped != 0 && zb_shell_signals_interrupted();
  zb_cell_report(execution, interrupted, jumped == 0 ? 0 : 1);
  zb_interrupt_finish();
  zb_text_free(&of.answer);
  free(source);
}
