/*
 * One cell: bash parses and executes it as if a script named "<cell N>" had been sourced, and whatever would end a
 * script ends the cell.
 */
#ifndef ZEROBOOT_SHELL_CELL_H
#define ZEROBOOT_SHELL_CELL_H

#include <stddef.h>
#include <stdint.h>

/* Makes the shell one that lives on: nothing is left of the script that started it. */
void zb_cell_open(void);

/* Runs a cell and reports it. Exactly one DONE follows. */
void zb_cell_run(uint16_t execution, const char *source, size_t length);

/* DONE for an execution that was not a cell. */
void zb_cell_report(uint16_t execution, int interrupted, int exit_code);

/* Calls `work` so that what bash would throw to its top level ends it. 0 if it returned, else why not. */
int zb_cell_guard(void (*work)(void *), void *argument);

/* The warm-up leaves no trace. */
void zb_cell_forget(void);

#endif
