#define _GNU_SOURCE
#include "bash.h"

#include "reading.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "input.h"
#include "link.h"
#include "others.h"
#include "output.h"
#include "signals.h"

/* Of `read`, as it runs: what the next request says. */
static const char *prompt = "";
static int is_password;
/* With a time limit, which waiting for the link would not keep; or from another descriptor. */
static int by_descriptor;

/* Of a prompt that goes with a request, bytes. */
#define MAX_PROMPT 4096

static int (*read_itself)(WORD_LIST *);

/* Until the stream has bytes or its end. 1; 0: the cell has ended meanwhile; -1: with EINTR, or another errno. */
static int await(uint16_t execution) {
  while (!zb_input_available() && !zb_input_at_end()) {
    const uint32_t answer = zb_link_poll(ZB_REG_RX_INPUT);
    if (answer == ZB_RX_WAIT) {
      if (!zb_others_live()) {
        zb_link_control()->others = 0;
        continue;
      }
      const int result = zb_input_wait();
      const int error = errno;
      if (zb_input_execution() != execution) return 0;
      if (result < 0 && error != EINTR) {
        errno = error;
        return -1;
      }
      zb_input_woken();
    } else if (answer != 0) {
      zb_input_feed(zb_link_received(), answer);
    }
    if (answer != 0 && answer != ZB_RX_WAIT) continue;
    zb_shell_signals_handle();
    if (interrupt_state || first_pending_trap() != -1) {
      errno = EINTR;
      return -1;
    }
  }
  return 1;
}

static ssize_t read_input(void *buffer, size_t limit) {
  const uint16_t execution = zb_input_execution();
  size_t length = 0;
  const uint8_t *bytes = NULL;
  zb_input_enter();
  int result = zb_input_take_back() < 0 ? -1 : 1;
  if (result > 0 && !zb_input_available() && !zb_input_at_end()) {
    /* Nobody is asked for what has come. */
    const uint32_t answer = zb_link_poll(ZB_REG_RX_TAKE);
    zb_input_feed(zb_link_received(), answer);
  }
  if (result > 0 && !zb_input_available() && !zb_input_at_end()) {
    fflush(stdout);
    zb_output_send(ZB_GUEST_INPUT_REQUEST, is_password ? ZB_INPUT_PASSWORD : 0, execution, prompt,
                   strnlen(prompt, MAX_PROMPT));
    prompt = "";
    result = await(execution);
  }
  if (result > 0) bytes = zb_input_take(limit, 1, &length);
  if (bytes != NULL) memcpy(buffer, bytes, length);
  const int error = errno;
  if (zb_input_execution() == execution) zb_input_leave();
  errno = error;
  return result < 0 ? -1 : (ssize_t)length;
}

/* Stands in for libc's. */
ssize_t read(int fd, void *buffer, size_t limit) {
  if (fd == STDIN_FILENO && limit > 0 && !by_descriptor && !zb_link_detached() && zb_input_execution() != 0 &&
      zb_descriptors_what(fd) == ZB_DESCRIPTOR_INPUT) {
    return read_input(buffer, limit);
  }
  return syscall(SYS_read, fd, buffer, limit);
}

/* The options of `read` that say something about a request. What is wrong with them is said by `read` itself. */
static void look_at_options(WORD_LIST *list) {
  static const char with_argument[] = "adinNptu";
  for (; list != NULL; list = list->next) {
    const char *word = list->word->word;
    if (word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0) return;
    for (const char *option = word + 1; *option != '\0'; option++) {
      if (*option == 's') is_password = 1;
      if (strchr(with_argument, *option) == NULL) continue;
      const char *argument = option + 1;
      if (*argument == '\0') {
        list = list->next;
        if (list == NULL) return;
        argument = list->word->word;
      }
      if (*option == 'p') prompt = argument;
      if (*option == 't') by_descriptor = 1;
      break;
    }
  }
}

static int read_and_ask(WORD_LIST *list) {
  /* A `read` that was interrupted has left its own here. */
  prompt = "";
  is_password = 0;
  by_descriptor = get_string_value("TMOUT") != NULL;
  look_at_options(list);
  const int result = read_itself(list);
  prompt = "";
  is_password = by_descriptor = 0;
  return result;
}

void zb_reading_open(void) {
  struct builtin *builtin = builtin_address_internal("read", 0);
  read_itself = builtin->function;
  builtin->function = read_and_ask;
}
