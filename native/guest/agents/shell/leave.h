/*
 * What would end bash's process in the middle of a cell ends the cell instead: exit(3), which bash calls for whatever
 * it cannot go on after, and execve(2), which is the builtin `exec`.
 */
#ifndef ZEROBOOT_SHELL_LEAVE_H
#define ZEROBOOT_SHELL_LEAVE_H

/* A cell's code begins and ends. */
void zb_leave_begin(void);
void zb_leave_end(void);

#endif
