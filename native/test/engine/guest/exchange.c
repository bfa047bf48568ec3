/* Two sides, processes or threads, that hold their own registers while the other one runs. */
#include "exchange.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vectors.h"

struct side {
  uint64_t number;
  uint32_t state;
  int write_fd, read_fd;
  int rounds;
  uint64_t spins;
  int failed;
};

/*
 * In each round a side loads its registers, lets the other run and looks at them. Ping-pong makes the switch
 * certain: the byte a side waits for is written only after the other has loaded its own.
 */
static void *run_side(void *argument) {
  struct side *side = argument;
  static _Thread_local struct registers pattern, seen;
  char byte;
  /* The second one waits for its turn. */
  if (side->number == 1 && side->write_fd >= 0 && read(side->read_fd, &byte, 1) != 1) side->failed = 1;
  for (int round = 0; round < side->rounds && !side->failed; round++) {
    make_pattern(&pattern, side->state, side->number << 32 | (uint64_t)round);
    hold_across(&pattern, &seen, side->state, side->write_fd, side->read_fd, side->spins);
    const char *difference = first_difference(&pattern, &seen, side->state);
    if (difference == NULL) continue;
    printf("side %d, round %d: %s\n", (int)side->number, round, difference);
    side->failed = 1;
  }
  /* The other one's last read is answered, or fails instead of waiting for ever. */
  if (side->write_fd >= 0) {
    if (side->number == 0 && write(side->write_fd, "x", 1) != 1) side->failed = 1;
    if (side->failed) close(side->write_fd);
  }
  return NULL;
}

static int finish(int failed, uint32_t state, int rounds) {
  if (failed) return 1;
  printf("%d rounds, state%s%s%s\n", rounds,
         (state & STATE_AVX512) ? " zmm opmask"
         : (state & STATE_AVX)  ? " ymm"
                                : " xmm",
         (state & STATE_PKRU) ? " pkru" : "", " mmx mxcsr");
  return 0;
}

static int make_sides(struct side sides[2], int rounds, uint64_t spins) {
  int forth[2] = {-1, -1}, back[2] = {-1, -1};
  if (spins == 0 && (pipe(forth) < 0 || pipe(back) < 0)) return -1;
  const uint32_t state = usable_state();
  sides[0] = (struct side){0, state, forth[1], back[0], rounds, spins, 0};
  sides[1] = (struct side){1, state, back[1], forth[0], rounds, spins, 0};
  return 0;
}

int exchange_between_processes(int rounds, uint64_t spins) {
  struct side sides[2];
  if (make_sides(sides, rounds, spins) < 0) return 1;
  const pid_t child = fork();
  if (child < 0) return 1;
  struct side *mine = &sides[child == 0];
  struct side *others = &sides[child != 0];
  if (mine->write_fd >= 0) {
    close(others->write_fd);
    close(others->read_fd);
  }
  run_side(mine);
  if (child == 0) {
    fflush(stdout);
    _exit(mine->failed);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return 1;
  return finish(mine->failed || status != 0, mine->state, rounds);
}

int exchange_between_threads(int rounds, uint64_t spins) {
  struct side sides[2];
  pthread_t other;
  if (make_sides(sides, rounds, spins) < 0) return 1;
  if (pthread_create(&other, NULL, run_side, &sides[1]) != 0) return 1;
  run_side(&sides[0]);
  if (pthread_join(other, NULL) != 0) return 1;
  return finish(sides[0].failed || sides[1].failed, sides[0].state, rounds);
}
