/*
 * What makes a fork itself, of the record ZB_HOST_IDENTITY: randomness for the kernel's generator and the runtime's,
 * the wall clock, the machine id. What is to be filled is told in the template; a fork then makes no system call but
 * those for what the host could not do in its kernel's memory.
 */
#ifndef ZEROBOOT_IDENTITY_H
#define ZEROBOOT_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "link_abi.h"

/* Exit code of an agent that could not take its identity: the host ends the fork. */
#define ZB_IDENTITY_REFUSED 70

/* 0, or -1 with errno. */
int zb_identity_open(void);

/*
 * A Mersenne Twister to fill: its 624 words, and the position among them from which it goes on. Both stay where they
 * are. -1 with ENOSPC: an identity has no randomness for one more.
 */
int zb_identity_add_generator(uint32_t *words, int *position);

/* Where the machine id is to be written, as 2 * ZB_IDENTITY_MACHINE_BYTES hexadecimal digits. It stays there. */
void zb_identity_set_machine_id(char *text);

/* Takes the payload of an identity. 0, or -1 with errno: then the fork must not go on. */
int zb_identity_take(int flags, const uint8_t *identity, size_t length);

#endif
