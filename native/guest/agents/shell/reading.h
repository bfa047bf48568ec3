/*
 * What builtins read from the cell's own standard input: from the link, without a system call. When there is none yet
 * the client is asked for it, with the prompt of `read -p`.
 */
#ifndef ZEROBOOT_SHELL_READING_H
#define ZEROBOOT_SHELL_READING_H

/* Has `read` tell its prompt. After the shell's builtins are there. */
void zb_reading_open(void);

#endif
