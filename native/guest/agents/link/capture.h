/*
 * Descriptors 1 and 2 as output of the running cell: what children and C libraries write there.
 *
 * Both are pipes whose read ends signal SIGIO to the agent; the handler moves the bytes to the link. So a
 * cell that writes nothing there costs nothing, no thread has to wait for it, and bytes arrive in the order
 * in which they were written relative to the agent's own output.
 */
#ifndef ZEROBOOT_CAPTURE_H
#define ZEROBOOT_CAPTURE_H

#include <stdint.h>

/* Puts the pipes in place. 0, or -1 with errno. */
int zb_capture_open(void);
/* Execution that captured bytes belong to from now on; 0: none. */
void zb_capture_execution(uint16_t execution);
/* Moves what the handler had to leave because the link was busy. Call after every send. */
void zb_capture_settle(void);
/* Flushes C's buffered streams and moves everything written so far. At a cell's end. */
void zb_capture_flush(void);

#endif
