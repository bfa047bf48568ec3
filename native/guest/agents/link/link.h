/*
 * The guest's end of the serial link, for agents in any language. See link_abi.h for the contract.
 *
 * One link per process, used by one thread at a time (Python's GIL, an event loop). A signal handler
 * may write too, through zb_capture, and on any thread.
 */
#ifndef ZEROBOOT_LINK_H
#define ZEROBOOT_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "link_abi.h"

/* Maps registers and ring and opens the wake-up line. 0, or -1 with errno (EPROTO: not our host). */
int zb_link_open(void);

/*
 * Sends one payload, as several records when it is long; parts but the last carry `more` in their flags.
 * A data record waits for room while the host's reader does not read; `control` may use the reserve.
 * Returns 0, or -1 when the wait was broken off by the host (a signal is pending, or output is to be
 * discarded) and some of the payload was not sent: call again with the rest, told by *sent, or drop it.
 */
int zb_link_send(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const void *data, size_t length,
                 int control, size_t *sent);

/* One read of RX, RX_INPUT or RX_TAKE (`reg`): bytes now at zb_link_received(), 0, or ZB_RX_WAIT. */
uint32_t zb_link_poll(uint32_t reg);
const uint8_t *zb_link_received(void);

/* After ZB_RX_WAIT: blocks until the host has something. Restart it after a signal. 0, or -1 with errno. */
int zb_link_wait(void);

/* The ring's control block. Not in a child of fork(2), where it is not mapped. */
struct zb_ring_control *zb_link_control(void);

/*
 * For a signal handler: it may send between the two, with zb_link_send_locked, if the first says so; else a send is
 * under way, in this thread or another.
 */
int zb_link_try_lock(void);
void zb_link_unlock(void);
int zb_link_send_locked(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const void *data, size_t length,
                        int control, size_t *sent);

/* A second opening of the wake-up line, which does not block. -1 with errno. */
int zb_link_open_wake_line(void);

/*
 * Ends the VM, with a reason as of ZB_REG_AGENT_EXIT: for an agent that knows better why it ends than init could tell.
 * Does not return.
 */
void zb_link_end(uint32_t reason);

/* In a child of fork(2): the ring is not there. Every later call but zb_link_detached fails. */
void zb_link_detach(void);
int zb_link_detached(void);

#endif
