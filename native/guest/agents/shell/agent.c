/*
 * The agent's life, as a builtin of bash that never returns: open the link, warm everything that a first cell needs,
 * then serve cells for ever.
 */
#define _GNU_SOURCE
#include "bash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "cell.h"
#include "descriptors.h"
#include "environment.h"
#include "fresh.h"
#include "heap.h"
#include "identity.h"
#include "input.h"
#include "interrupt.h"
#include "limit.h"
#include "link.h"
#include "others.h"
#include "output.h"
#include "questions.h"
#include "reading.h"
#include "records.h"
#include "signals.h"

/* Exit code of an agent that could not take its identity: the host ends the fork. */

/* Every path a usual first cell takes, so that its pages are there and its caches filled. */
static const char *const warm_up_cells[] = {
    "echo hello",
    "for _zb_i in 1 2 3; do echo $_zb_i; done; exit 7",
    "_zb_x=$((6 * 7)); _zb_a=(1 2 3); declare -A _zb_m=([k]=v); echo \"${_zb_a[@]}\" ${_zb_m[k]} ${_zb_x#4}",
    "_zb_greet() { local name=$1; printf '%s\\n' \"hello $name\"; }; _zb_greet ${_zb_x/2/3}; unset -f _zb_greet",
    "_zb_y=$(date +%s); ls / | grep -c . | sed s/1/2/ > /tmp/.warm-up; cat < /tmp/.warm-up; rm /tmp/.warm-up",
    "if [[ $_zb_x == 4* && -d /tmp ]]; then case $_zb_x in 4?) true ;; esac; fi",
    "cd /tmp; cd - > /tmp/.warm-up; rm /tmp/.warm-up",
    "nosuchcommand",
    "echo error >&2; false",
    "cat <<end\n$_zb_x\nend",
    "if",
};

/* The same for a first line at a prompt. */
static const struct {
  uint8_t flags;
  uint32_t cursor;
  const char *source;
} warm_up_questions[] = {
    {ZB_EXECUTE_CHECK, 0, "for i in 1 2; do"}, {ZB_EXECUTE_CHECK, 0, "echo hello"},  {ZB_EXECUTE_COMPLETE, 2, "ec"},
    {ZB_EXECUTE_COMPLETE, 8, "ls /usr/"},      {ZB_EXECUTE_COMPLETE, 8, "echo $HO"}, {ZB_EXECUTE_INSPECT, 2, "cd"},
    {ZB_EXECUTE_INSPECT, 5, "$HOME"},
};

#define QUESTIONS (ZB_EXECUTE_COMPLETE | ZB_EXECUTE_CHECK | ZB_EXECUTE_INSPECT)

static int started;

static void receive(struct zb_record *record, const uint8_t **payload) {
  while ((*payload = zb_records_peek(record)) == NULL) {
    const uint32_t answer = zb_link_poll(ZB_REG_RX);
    if (answer == ZB_RX_WAIT) {
      if (zb_others_live()) {
        if (zb_link_wait() < 0 && errno != EINTR) _exit(EXECUTION_FAILURE);
      } else {
        zb_link_control()->others = 0;
      }
    } else if (answer != 0 && zb_records_add(answer) < 0) {
      _exit(EXECUTION_FAILURE);
    }
  }
}

static void run_cell(const struct zb_record *record, const uint8_t *payload) {
  const int has_input = (record->flags & ZB_EXECUTE_STDIN_OPEN) != 0;
  const size_t length = record->length;
  char *source = xmalloc(length + 1);
  memcpy(source, payload, length);
  zb_records_drop();
  /* Behind the EXECUTE of a cell with input there is nothing but its input. */
  size_t rest_length = 0;
  const uint8_t *rest = has_input ? zb_records_take_rest(&rest_length) : NULL;
  zb_input_begin(record->execution, has_input, rest, rest_length);
  if (has_input) zb_descriptors_input(1);
  zb_environment_apply(record->execution);
  zb_cell_run(record->execution, source, length);
  zb_environment_undo();
  free(source);
}

static void take_identity(const struct zb_record *record, const uint8_t *payload) {
  if (zb_fresh_take(record->flags, payload, record->length) < 0) _exit(ZB_IDENTITY_REFUSED);
  zb_output_send(ZB_GUEST_IDENTITY, 0, 0, NULL, 0);
}

static void serve(void) {
  for (;;) {
    struct zb_record record;
    const uint8_t *payload;
    receive(&record, &payload);
    if (record.kind == ZB_HOST_EXECUTE && !(record.flags & QUESTIONS)) {
      run_cell(&record, payload);
      continue;
    }
    if (record.kind == ZB_HOST_EXECUTE) {
      zb_questions_answer(record.execution, record.flags, payload, record.length);
    } else if (record.kind == ZB_HOST_ENV) {
      zb_environment_add(record.execution, (const char *)payload, record.length);
    } else if (record.kind == ZB_HOST_IDENTITY) {
      take_identity(&record, payload);
    }
    zb_records_drop();
  }
}

/* In a child of fork(2). */
static void detach(void) {
  zb_link_detach();
  zb_input_detach();
  zb_shell_signals_detach();
}

static int open_all(void) {
  if (zb_descriptors_reserve() < 0) return -1;
  if (zb_records_open() < 0 || zb_fresh_open() < 0 || zb_link_open() < 0 || zb_capture_open() < 0) return -1;
  if (zb_input_open() < 0 || zb_interrupt_open() < 0 || zb_others_open() < 0) return -1;
  if (zb_descriptors_open() < 0 || zb_output_open() < 0) return -1;
  zb_descriptors_release();
  zb_input_keep_above(ZB_LOWEST_DESCRIPTOR);
  errno = pthread_atfork(NULL, NULL, detach);
  if (errno != 0) return -1;
  zb_shell_signals_open();
  zb_reading_open();
  zb_questions_open();
  zb_cell_open();
  return 0;
}

/* Its children's output goes to the null device, and its own nowhere: the host sees none of it. */
static void warm_up(void) {
  zb_output_mute(1);
  for (int flags = 0; flags < 2; flags++) {
    uint8_t identity[ZB_IDENTITY_BYTES];
    struct timespec now;
    if (getrandom(identity, sizeof identity, 0) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0) abort();
    const uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    memcpy(identity + ZB_IDENTITY_ENTROPY_BYTES, &ns, sizeof ns);
    if (zb_fresh_take(flags ? ZB_IDENTITY_BY_HOST : 0, identity, sizeof identity) < 0) _exit(ZB_IDENTITY_REFUSED);
  }
  for (int round = 0; round < 2; round++) {
    for (unsigned i = 0; i < sizeof warm_up_cells / sizeof warm_up_cells[0]; i++) {
      zb_cell_run(0, warm_up_cells[i], strlen(warm_up_cells[i]));
    }
  }
  for (unsigned i = 0; i < sizeof warm_up_questions / sizeof warm_up_questions[0]; i++) {
    uint8_t payload[64];
    const size_t skip = warm_up_questions[i].flags & ZB_EXECUTE_CHECK ? 0 : sizeof warm_up_questions[i].cursor;
    const size_t length = strlen(warm_up_questions[i].source);
    memcpy(payload, &warm_up_questions[i].cursor, skip);
    memcpy(payload + skip, warm_up_questions[i].source, length);
    zb_questions_answer(0, warm_up_questions[i].flags, payload, skip + length);
  }
  /* A preload may have left the shell in any directory, and with any variables but these. */
  static const char forget[] = "unset _zb_i _zb_x _zb_y _zb_a _zb_m OLDPWD _; hash -r; true";
  zb_cell_run(0, forget, sizeof forget - 1);
  zb_cell_forget();
  /* Where a first cell writes is then known. */
  zb_descriptors_what(STDOUT_FILENO);
  zb_descriptors_what(STDERR_FILENO);
  zb_output_mute(0);
}

/* Cells know nothing of it: a name is taken out of the table it was put into. */
static void hide_builtin(const char *name) {
  struct builtin *builtin = builtin_address_internal((char *)name, 1);
  struct builtin *end = shell_builtins + num_shell_builtins;
  if (builtin == NULL) return;
  memmove(builtin, builtin + 1, (size_t)((char *)end - (char *)builtin));
  num_shell_builtins--;
}

static int run_agent(WORD_LIST *arguments) {
  (void)arguments;
  if (started) return EXECUTION_FAILURE;
  started = 1;
  hide_builtin("zeroboot");
  if (open_all() < 0) {
    builtin_error("%s", strerror(errno));
    _exit(EXECUTION_FAILURE);
  }
  warm_up();
  if (zb_limit_open() < 0) _exit(EXECUTION_FAILURE);
  /* What a fork(2) of the warm-up has left to be copied when it is written to. */
  zb_heap_touch();
  char runtime[64];
  const int length = snprintf(runtime, sizeof runtime, "bash %s.%d", dist_version, patch_level);
  zb_output_send(ZB_GUEST_READY, 0, 0, runtime, (size_t)length);
  serve();
  return EXECUTION_FAILURE;
}

static char *documentation[] = {"The agent of this virtual machine.", NULL};

/* Found by `enable -f`. */
struct builtin zeroboot_struct = {"zeroboot", run_agent, BUILTIN_ENABLED, documentation, "zeroboot", 0};
