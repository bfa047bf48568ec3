/*
 * What descriptors 0, 1 and 2 are at the moment: the cell's own streams, for which the agent needs no system call, or
 * whatever a redirection has put there. bash moves descriptors by dup2(2) and close(2), which are answered here.
 */
#ifndef ZEROBOOT_SHELL_DESCRIPTORS_H
#define ZEROBOOT_SHELL_DESCRIPTORS_H

enum zb_descriptor {
  ZB_DESCRIPTOR_UNKNOWN,
  ZB_DESCRIPTOR_OTHER,
  ZB_DESCRIPTOR_INPUT,
  ZB_DESCRIPTOR_OUTPUT,
  ZB_DESCRIPTOR_ERROR,
};

/* The lowest descriptor that the agent uses for itself: those below are for scripts to name. */
#define ZB_LOWEST_DESCRIPTOR 200

/* Keeps those below out of the agent's hands while it opens what it needs. 0, or -1 with errno. */
int zb_descriptors_reserve(void);
void zb_descriptors_release(void);

/* After zb_capture_open: descriptors 1 and 2 are its pipes. 0, or -1 with errno. */
int zb_descriptors_open(void);
/* Descriptor 0 is the cell's input from now on, or is not. */
void zb_descriptors_input(int is_input);
/* What `fd`, 0 to 2, is now. */
enum zb_descriptor zb_descriptors_what(int fd);
/* Puts 0 to 2 back to what they were in the template. */
void zb_descriptors_restore(void);

#endif
