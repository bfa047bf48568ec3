/*
 * Whether anything of the guest's but its agent could want to run.
 *
 * The engine parks a guest whose agent is idle, which stops all of it. It sees in the kernel's memory whether
 * anything at all was started since the guest was last known to be alone, but not what: the kernel starts
 * threads of its own. So it asks the agent (ZB_RX_WAIT), which looks, at some 30 system calls.
 */
#ifndef ZEROBOOT_OTHERS_H
#define ZEROBOOT_OTHERS_H

/* While there are none but the agent's own threads, which count as part of it from then on. 0, or -1 with errno. */
int zb_others_open(void);

/*
 * Whether the agent has another thread or the guest another process of user mode, beside init. A process that has
 * ended and waits for its parent to notice counts as none. 1 when it cannot be told.
 */
int zb_others_live(void);

#endif
