#ifndef ENGINE_TEST_SIGNALS_H
#define ENGINE_TEST_SIGNALS_H

/* A signal handler in a just-forked child, on stack pages it shares with its parent: the parent's stay as they were. */
int signal_in_child(void);

/* Returning from a signal with a damaged frame: SIGSEGV, for every kind of damage. */
int corrupt_frames(void);

#endif
