/*
 * How much memory the shell may take: where it runs out bash ends the cell with a message, instead of the kernel ending
 * bash.
 */
#ifndef ZEROBOOT_SHELL_LIMIT_H
#define ZEROBOOT_SHELL_LIMIT_H

/* When everything is loaded. 0, or -1 with errno. */
int zb_limit_open(void);

#endif
