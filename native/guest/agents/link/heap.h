/*
 * Memory that the program's malloc has already, before a cell asks for it. Each page that a fork asks its kernel for
 * costs a fault there, which on a host that emulates the guest's kernel is 2 to 3 ms: a list of 100,000 strings took
 * four seconds. A page that was there at capture costs a fault of the host's, 10 us.
 */
#ifndef ZEROBOOT_HEAP_H
#define ZEROBOOT_HEAP_H

#include <stddef.h>

/*
 * Every page of what the heap, the stack, the variables of programs and libraries and other users of small mappings
 * have by now, though nobody has written to it yet, or not since a fork(2). For the template, as zb_heap_fill().
 */
void zb_heap_touch(void);

/*
 * The heap gets `bytes` more, in huge pages where the kernel has them: those cost a fork(2) next to nothing. For the
 * template, when everything is loaded. What there is no memory for it does not get.
 */
void zb_heap_fill(size_t bytes);

#endif
