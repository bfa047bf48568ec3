/*
 * The serial link between a guest's agent and the engine: the one contract both sides compile.
 *
 * C11 and C++20. The engine includes it on the host, the agent's link library in the guest.
 * Everything is little-endian. Change anything here and kLinkAbiVersion must change with it:
 * a template captured under another version is rebuilt, never forked.
 *
 * Two pieces of guest-physical address space:
 *
 *   the register page   ZB_LINK_MMIO_GPA, backed by nothing: every access is one VM exit.
 *                       Aligned 32-bit loads and stores only; any other access ends the VM.
 *   the ring            ZB_RING_BYTES of memory outside the kernel's RAM; its place is told by
 *                       the RING_PFN register. Mapped by the agent through /dev/mem, write-back,
 *                       MADV_DONTFORK.
 *
 * The engine touches the ring only on the vCPU's own thread while the vCPU is stopped in a VM
 * exit, so neither side needs a lock and no field is ever written by both at one time.
 */
#ifndef ZEROBOOT_LINK_ABI_H
#define ZEROBOOT_LINK_ABI_H

#include <stdint.h>

#define ZB_LINK_ABI_VERSION 3u

/* ---- registers -------------------------------------------------------------------------- */

#define ZB_LINK_MMIO_GPA 0xd0000000u
#define ZB_LINK_MMIO_BYTES 0x1000u

/* r: ZB_LINK_ID, so that an agent knows the device is there. */
#define ZB_REG_ID 0x00u
#define ZB_LINK_ID 0x4c425a31u
/* r: ZB_LINK_ABI_VERSION. */
#define ZB_REG_VERSION 0x04u
/* r: guest page frame number of the ring. */
#define ZB_REG_RING_PFN 0x08u
/*
 * r, blocking: the number of bytes the engine has just put at ZB_RX_OFFSET, or
 *   0             nothing yet, read again (the engine answers so when it needs the vCPU at an
 *                 instruction boundary: to capture it, to inject something);
 *   ZB_RX_WAIT    other guest threads may want to run: look whether there are any. If so, block in
 *                 read() on COM2 until it is readable and consume it. Then read RX again.
 * Reading RX says that the previous bytes have been consumed and that the agent is idle.
 * The transmit ring is drained before the read is answered, so no doorbell need precede it.
 */
#define ZB_REG_RX 0x10u
#define ZB_RX_WAIT 0xffffffffu
/*
 * w, never blocking: the engine drains the transmit ring now. Needed only when
 * zb_ring_control.tx_armed is 0; see there.
 */
#define ZB_REG_DOORBELL 0x14u
/*
 * r, blocking: drains the transmit ring and answers how many bytes are free in it once that is
 * at least ZB_TX_LOW_WATER; 0 = read again. The guest waits here while its client does not read.
 */
#define ZB_REG_TX_SPACE 0x18u
/*
 * r, never blocking: puts queued STDIN records of the running cell at ZB_RX_OFFSET and answers their
 * number of bytes, 0 if there are none. For an agent whose cell is in a system call while a child reads
 * standard input: the engine raises COM2 when such records have waited a moment for RX_INPUT.
 */
#define ZB_REG_RX_TAKE 0x24u
/*
 * w, from init: the agent has ended. Bits 0-7: its exit code, or the signal's number with
 * ZB_AGENT_EXIT_SIGNALLED. ZB_AGENT_EXIT_OUT_OF_MEMORY: the kernel killed it for want of memory.
 * The VM ends with a named reason.
 */
#define ZB_REG_AGENT_EXIT 0x1cu
#define ZB_AGENT_EXIT_SIGNALLED 0x100u
#define ZB_AGENT_EXIT_OUT_OF_MEMORY 0x200u
/* r, blocking like RX: as RX, but says that the running cell waits for standard input. */
#define ZB_REG_RX_INPUT 0x20u

/* ---- the ring --------------------------------------------------------------------------- */

#define ZB_RING_BYTES 0x20000u
#define ZB_RX_OFFSET 0x1000u
#define ZB_RX_BYTES 0xf000u
#define ZB_TX_OFFSET 0x10000u
#define ZB_TX_BYTES 0x10000u /* a power of two */
#define ZB_TX_LOW_WATER 0x4000u
/* Data records leave this much of the transmit ring to control records (done, inputRequest). */
#define ZB_TX_RESERVE 0x400u

/* At offset 0 of the ring. */
struct zb_ring_control {
  /*
   * Transmit positions: bytes published by the guest and bytes consumed by the engine since the
   * last reset, modulo 2^32; the ring offset is the position modulo ZB_TX_BYTES. The guest
   * stores tx_head after the record's last byte, with release ordering. When the engine answers
   * RX it sets both to 0, so that a session that drains keeps touching the same first pages.
   */
  uint32_t tx_head;
  uint32_t tx_tail;
  /*
   * 1 while the engine has a timer running that will drain the ring within a few milliseconds:
   * the guest need not ring the doorbell. 0: the guest rings it after the next record.
   */
  uint32_t tx_armed;
  /* Bits ZB_FLAG_*, set by the engine. */
  uint32_t flags;
  /* 1 while the agent waits in read() on COM2 (after ZB_RX_WAIT): bytes raise its interrupt. */
  uint32_t want_irq;
  /*
   * After ZB_RX_WAIT: whether anything but the agent could want to run. The engine stores 1 when it answers, the
   * agent 0 when it has looked and there is nothing; it reads RX again then instead of waiting on COM2.
   */
  uint32_t others;
  /*
   * Interrupts. A Ctrl-C byte on COM1 becomes SIGINT some time later, in whatever runs by then; these say
   * what it is for. The engine counts interrupts in interrupt_seq and names the execution the newest is
   * meant for; the agent raises each at most once, in no other execution, and stores its number in
   * interrupt_seen. While that lags behind, the engine may repeat the byte.
   */
  uint32_t interrupt_seq;
  uint32_t interrupt_execution;
  uint32_t interrupt_seen;
  /* The execution for which a Ctrl-Z byte (SIGTSTP) has the agent kill every other process. */
  uint32_t kill_execution;
  /*
   * 1: the agent's runtime has work of its own to go on with, as timers of an event loop, though nothing but it runs.
   * Stored by the agent before it reads RX, which then answers ZB_RX_WAIT instead of stopping the guest.
   */
  uint32_t agent_busy;
};

/* Output of the running cell is to be discarded and `done` marked truncated. */
#define ZB_FLAG_DISCARD 0x1u

/* ---- records ---------------------------------------------------------------------------- */

/* Before each record's payload, on both directions. Unaligned; records may wrap in the ring. */
struct zb_record {
  uint32_t length; /* of the payload, in bytes */
  uint8_t kind;
  uint8_t flags;
  uint16_t execution; /* assigned by the host, never 0; 0 = belongs to no cell */
};

/* Payload limits. A record over its limit ends the VM (guest) or is refused (host). */
#define ZB_MAX_GUEST_PAYLOAD 0x4000u
#define ZB_MAX_HOST_PAYLOAD 0x110000u

/* Host to guest. The stream of records may be cut anywhere between two RX answers. */
/* A cell: UTF-8 source. */
#define ZB_HOST_EXECUTE 0x01u
#define ZB_EXECUTE_STDIN_OPEN 0x01u /* flag: stdin records will follow; else stdin is at EOF */
/*
 * Flags of questions about source instead of cells; one at most. Answered by a RESULT of ZB_MIME_JSON, then DONE;
 * nothing of them is counted, remembered or printed.
 *   COMPLETE  payload: u32 cursor (code points), then the source
 *             answer:  {"matches": [string, ...], "start": n, "end": n}: what may stand in place of [start, end)
 *   CHECK     payload: the source
 *             answer:  {"status": "complete" | "incomplete" | "invalid", "indent": string of the next line}
 *   INSPECT   payload: as COMPLETE
 *             answer:  {"found": bool, "bundle": {MIME type: string, ...}} of the object named at the cursor
 * A question that an agent does not know is answered by DONE with ZB_DONE_ERROR alone.
 */
#define ZB_EXECUTE_COMPLETE 0x02u
#define ZB_EXECUTE_CHECK 0x04u
#define ZB_EXECUTE_INSPECT 0x08u
/* Bytes of standard input for the running cell. */
#define ZB_HOST_STDIN 0x02u
#define ZB_STDIN_EOF 0x01u /* flag: no more after this */
/*
 * What makes a fork itself, always a fork's first record:
 * 64 bytes of host randomness for the kernel's generator, u64 wall clock in nanoseconds since 1970, then
 * randomness for the runtime's own generators. It is as much as their whole states (two Mersenne Twisters of
 * 624 words), so that an agent copies it there, which touches two pages; seeding them by their own functions
 * was seen to write to a hundred. Last the machine id.
 * The agent answers ZB_GUEST_IDENTITY before it runs anything else.
 */
#define ZB_HOST_IDENTITY 0x03u
#define ZB_IDENTITY_ENTROPY_BYTES 64u
#define ZB_IDENTITY_SEEDS_OFFSET 72u
#define ZB_IDENTITY_SEEDS_BYTES 4992u
/* The machine id, 128 bits: /etc/machine-id has them in hexadecimal. */
#define ZB_IDENTITY_MACHINE_OFFSET 5064u
#define ZB_IDENTITY_MACHINE_BYTES 16u
#define ZB_IDENTITY_BYTES 5080u
/* Flags: what the host has done already. */
#define ZB_IDENTITY_REKEYED 0x01u   /* rekeyed the kernel's generator */
#define ZB_IDENTITY_CLOCK_SET 0x02u /* set the wall clock */
#define ZB_IDENTITY_BY_HOST 0x03u   /* both */
/* One environment variable for the cell of the same execution, before its EXECUTE: NAME=VALUE. */
#define ZB_HOST_ENV 0x04u

/* Guest to host. */
/* Once, before the template's first RX read: the runtime's name and version, UTF-8. */
#define ZB_GUEST_READY 0x81u
#define ZB_GUEST_STDOUT 0x82u
#define ZB_GUEST_STDERR 0x83u
/*
 * One MIME type of a bundle: flags hold its index in the table below, plus ZB_PART_MORE on
 * every record but the last of the same part. RESULT is the cell's value, DISPLAY an object
 * shown while it runs. ZB_PART_LAST_OF_BUNDLE on the bundle's very last record.
 */
#define ZB_GUEST_RESULT 0x84u
#define ZB_GUEST_DISPLAY 0x85u
#define ZB_MIME_TEXT 0u
#define ZB_MIME_HTML 1u
#define ZB_MIME_PNG 2u
#define ZB_MIME_SVG 3u
#define ZB_MIME_JSON 4u
#define ZB_MIME_MARKDOWN 5u
#define ZB_MIME_LATEX 6u
#define ZB_MIME_JPEG 7u
#define ZB_PART_INDEX_MASK 0x3fu
#define ZB_PART_MORE 0x80u
#define ZB_PART_LAST_OF_BUNDLE 0x40u
/* One field of the cell's error, UTF-8: parts like a bundle's, index below. */
#define ZB_GUEST_ERROR 0x86u
#define ZB_ERROR_NAME 0u
#define ZB_ERROR_MESSAGE 1u
#define ZB_ERROR_TRACEBACK 2u
/* The running cell asks for input: the prompt, UTF-8. */
#define ZB_GUEST_INPUT_REQUEST 0x87u
#define ZB_INPUT_PASSWORD 0x01u /* flag */
/* The cell ended: struct zb_done. Nothing more of this execution follows. */
#define ZB_GUEST_DONE 0x88u
/* The fork took its identity: empty payload. */
#define ZB_GUEST_IDENTITY 0x89u
#define ZB_GUEST_KIND_FIRST 0x81u
#define ZB_GUEST_KIND_LAST 0x89u

struct zb_done {
  uint8_t status; /* ZB_DONE_* */
  uint8_t flags;  /* ZB_DONE_TRUNCATED */
  uint16_t reserved;
  int32_t exit_code;
  uint32_t execution_count;
};
#define ZB_DONE_OK 0u
#define ZB_DONE_ERROR 1u
#define ZB_DONE_INTERRUPTED 2u
#define ZB_DONE_TRUNCATED 0x01u

#endif
