/*
 * Questions about source instead of cells: what may stand at the cursor, what does, and whether a cell is whole.
 * Nothing of the user's runs for them.
 */
#ifndef ZEROBOOT_SHELL_QUESTIONS_H
#define ZEROBOOT_SHELL_QUESTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* In the template: what bash's completion needs. */
void zb_questions_open(void);
/* Answers one question. Exactly one DONE follows, without a RESULT if the answer was given up. */
void zb_questions_answer(uint16_t execution, uint8_t flags, const uint8_t *payload, size_t length);

/* The answers, as JSON. */
void zb_complete(struct zb_text *answer, const char *source, size_t length, uint32_t cursor);
void zb_complete_open(void);
void zb_check(struct zb_text *answer, const char *source);
void zb_inspect(struct zb_text *answer, const char *source, size_t length, uint32_t cursor);

#endif
