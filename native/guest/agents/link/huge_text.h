/* The running program's code in huge pages: one fault of a fork where there were hundreds. */
#ifndef ZEROBOOT_HUGE_TEXT_H
#define ZEROBOOT_HUGE_TEXT_H

/*
 * Moves what the program's own file has mapped without the right to write, as far as it fills whole pages of 2 MiB,
 * into memory that such pages map. For the template, early, while other threads are few: nothing stops meanwhile.
 * Returns the number of huge pages, 0 where the kernel has none or the program is too small, -1 with errno set when
 * there is no memory for it.
 */
int zb_huge_text(void);

#endif
