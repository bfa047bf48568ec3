/*
 * The shell's signals. bash installs its handlers by sigaction(2), which is answered here: SIGINT stays the agent's,
 * which hands it on when it is meant for the running cell; those that move bytes cannot be taken away; and those that
 * would end bash itself are survived, as an interactive bash survives them.
 */
#ifndef ZEROBOOT_SHELL_SIGNALS_H
#define ZEROBOOT_SHELL_SIGNALS_H

/* After zb_interrupt_open. From here on bash has what is said above. */
void zb_shell_signals_open(void);

/* Has an interrupt of the running cell that is due take effect, and kills its children if the host asked for that. */
void zb_shell_signals_handle(void);

/* Whether SIGINT has been handed on since the cell began. */
void zb_shell_signals_begin(void);
int zb_shell_signals_interrupted(void);

/* In a child of fork(2): what the shell ignores is ignored in programs too. */
void zb_shell_signals_detach(void);

#endif
