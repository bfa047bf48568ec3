/*
 * Interrupts for the running cell, for agents in any language. See zb_ring_control in link_abi.h.
 *
 * A Ctrl-C byte becomes SIGINT some time after it was sent, in whatever runs by then, also in a cell it was
 * not meant for. So the runtime's own SIGINT handler is wrapped: the wrapper notes whether the terminal or a
 * program sent the signal, and the runtime asks zb_interrupt_take() before it raises anything.
 */
#ifndef ZEROBOOT_INTERRUPT_H
#define ZEROBOOT_INTERRUPT_H

#include <stdint.h>

/* After zb_link_open: SIGTSTP has the agent kill every other process, if the host asked for it. 0, or -1 with errno. */
int zb_interrupt_open(void);

/* Puts the wrapper around the SIGINT handler that is installed now. Does nothing around SIG_DFL and SIG_IGN. */
void zb_interrupt_wrap(void);

/* A cell's code begins, ends, and is reported. */
void zb_interrupt_begin(uint16_t execution);
void zb_interrupt_end(void);
void zb_interrupt_finish(void);

/*
 * Waits, but not for long, for the SIGINT of an interrupt of this cell that the kernel still has to hand over:
 * children of the next cell would be hit by it. Returns at once when there is none.
 */
void zb_interrupt_settle(void);

/* Whether the host wants the running cell interrupted and that has not been raised yet. */
int zb_interrupt_due(void);

/*
 * For the runtime's part of the SIGINT handler: whether to raise. What is due counts as raised then. In a child of
 * fork(2) a cell's code may always be interrupted: it is nobody's business but its own.
 */
int zb_interrupt_take(void);

/* Kills every process of the guest but init and this one, if the host asked for that in the running cell. */
void zb_interrupt_kill(void);

#endif
