/*
 * What builtins write. bash's stdout and stderr are streams that go to the link without a system call, as long as
 * descriptors 1 and 2 are the cell's own; else, and in subshells, to the descriptor.
 */
#ifndef ZEROBOOT_SHELL_OUTPUT_H
#define ZEROBOOT_SHELL_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Replaces bash's streams. 0, or -1 with errno. */
int zb_output_open(void);

/* Whose output it is from now on, also that of children; 0: no cell's. */
void zb_output_own(uint16_t execution);

/* All of a control payload. */
void zb_output_send(uint8_t kind, uint8_t flags, uint16_t execution, const void *data, size_t length);

/* From here on what is written goes into `text`, as far as it fits, and nowhere else; NULL: as before. */
void zb_output_divert(char *text, size_t size);

/* While the template warms up the host is told nothing. */
void zb_output_mute(int muted);

#endif
