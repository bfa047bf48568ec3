/*
 * What makes a fork of the shell itself: $RANDOM, $SECONDS, the clock, the kernel's randomness and the machine id.
 */
#ifndef ZEROBOOT_SHELL_FRESH_H
#define ZEROBOOT_SHELL_FRESH_H

#include <stddef.h>
#include <stdint.h>

/* In the template. 0, or -1 with errno. */
int zb_fresh_open(void);
/* Takes the payload of an identity. 0, or -1 with errno: then the fork must not go on. */
int zb_fresh_take(int flags, const uint8_t *identity, size_t length);

#endif
