#ifndef ENGINE_TEST_EXCHANGE_H
#define ENGINE_TEST_EXCHANGE_H

#include <stdint.h>

/*
 * Each prints what it held and returns 0, or prints the first register that was another's and returns 1. Without
 * `spins` the sides yield to each other by pipes, once a round; with it they compute, and the timer preempts them.
 */
int exchange_between_processes(int rounds, uint64_t spins);
int exchange_between_threads(int rounds, uint64_t spins);

#endif
