/* Where Python's small objects are. */
#ifndef ZEROBOOT_ARENAS_H
#define ZEROBOOT_ARENAS_H

/*
 * From here on the arenas of pymalloc, 1 MiB each, come from malloc and not from mmap: whatever of them was freed is
 * there for the next one, without the kernel. Those there are stay where they are.
 */
void zb_arenas_in_heap(void);

#endif
