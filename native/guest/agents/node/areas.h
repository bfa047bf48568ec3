/*
 * The memory of V8's heaps, in advance. V8 maps it by areas of 256 KiB and gives each back when it is empty; in a
 * guest whose kernel is emulated an area costs 64 faults of 2 to 3 ms, again and again. This library, loaded ahead of
 * libc, answers V8's calls out of one mapping of huge pages, without the kernel.
 */
#ifndef ZEROBOOT_AREAS_H
#define ZEROBOOT_AREAS_H

/* All of the mapping gets its pages now. For the template, as zb_heap_fill(). */
void zb_areas_fill(void);

#endif
