/*
 * Variables for one cell: exported while it runs; what they hid comes back after it.
 */
#ifndef ZEROBOOT_SHELL_ENVIRONMENT_H
#define ZEROBOOT_SHELL_ENVIRONMENT_H

#include <stddef.h>
#include <stdint.h>

/* NAME=VALUE for the cell `execution`. Those of a cell that never came are forgotten. */
void zb_environment_add(uint16_t execution, const char *assignment, size_t length);
/* Before and after a cell runs. */
void zb_environment_apply(uint16_t execution);
void zb_environment_undo(void);

#endif
