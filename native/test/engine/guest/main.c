/* What the engine's tests run inside a guest: one static program, so that it needs nothing of the root image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "signals.h"

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  const int rounds = argc > 2 ? atoi(argv[2]) : 1000;
  const uint64_t spins = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
  if (strcmp(what, "processes") == 0) return exchange_between_processes(rounds, spins);
  if (strcmp(what, "threads") == 0) return exchange_between_threads(rounds, spins);
  if (strcmp(what, "signal-in-child") == 0) return signal_in_child();
  if (strcmp(what, "corrupt-frames") == 0) return corrupt_frames();
  fprintf(stderr, "usage: guest-tests processes|threads|signal-in-child|corrupt-frames [ROUNDS [SPINS]]\n");
  return 2;
}
