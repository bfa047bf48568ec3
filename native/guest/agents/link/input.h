/*
 * Standard input of the running cell: one stream for the agent and for descriptor 0, which children inherit.
 *
 *   host's queue -> RX, RX_INPUT, RX_TAKE -> buffer -> pipe -> descriptor 0
 *                                              ^         |
 *                                              +---------+ taken back before the agent reads
 *
 * The agent reads from the buffer and makes no system call for it. What it leaves there goes to the pipe a moment
 * later, and so does what comes from the host while it does not read: a signal says so, from the wake-up line, from
 * the pipe when it has room again, or from a timer. Descriptor 0 of a cell without input is /dev/null.
 *
 * The agent's calls are made by one thread at a time (Python's GIL) but for zb_input_wait; the signal may come on any
 * thread and leaves alone what a call is using.
 */
#ifndef ZEROBOOT_INPUT_H
#define ZEROBOOT_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* Prepares all that cells with input need. Descriptor 0 is /dev/null. 0, or -1 with errno. */
int zb_input_open(void);
/* From here on no descriptor of its own is below this one: a shell's are for its scripts to name. */
void zb_input_keep_above(int lowest);

/* A cell begins; `has_input`: with input, of which `records` came behind its EXECUTE. */
void zb_input_begin(uint16_t execution, int has_input, const uint8_t *records, size_t length);
/* The cell has ended: what it has not read is discarded, by its children too. */
void zb_input_end(void);

/*
 * Bytes that came by RX after a cell's end: how many of them belong to a record of input that had begun before. They
 * are to be left out.
 */
size_t zb_input_leftover(const uint8_t *bytes, size_t length);

/* Between these the stream is the caller's. Nests. */
void zb_input_enter(void);
void zb_input_leave(void);

/* Takes back what lies unread in the pipe. 0, or -1 with errno. */
int zb_input_take_back(void);
/* Up to `limit` bytes that are there; of one line, none after its end. NULL if there are none. */
const uint8_t *zb_input_take(size_t limit, int one_line, size_t *length);
int zb_input_available(void);
/* Whether the host sends no more. */
int zb_input_at_end(void);
/* The cell with input that runs, or 0. */
uint16_t zb_input_execution(void);
/* What RX_INPUT gave. */
void zb_input_feed(const uint8_t *records, size_t length);
/*
 * After ZB_RX_WAIT: blocks until the host may have something. 0, or -1 with errno. If the cell is still the same, call
 * zb_input_woken() and read RX_INPUT again; else the stream is no longer the caller's, and it does not leave it.
 */
int zb_input_wait(void);
void zb_input_woken(void);

/* In a child of fork(2): it has descriptor 0, and no part in what feeds it. */
void zb_input_detach(void);

#endif
