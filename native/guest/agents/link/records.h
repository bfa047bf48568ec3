/*
 * Records from the host, put together of the bytes that RX answers, which may be cut anywhere.
 */
#ifndef ZEROBOOT_RECORDS_H
#define ZEROBOOT_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "link_abi.h"

/* In the template: room for a usual cell, touched so that no fork takes the faults. 0, or -1 with errno. */
int zb_records_open(void);

/* Adds the bytes of an RX answer. 0, or -1 with ENOMEM: they are lost. */
int zb_records_add(uint32_t bytes);

/*
 * The payload of the oldest record, or NULL while there is no whole one. It stays where it is until more is added, and
 * is the oldest until it is dropped.
 */
const uint8_t *zb_records_peek(struct zb_record *record);
void zb_records_drop(void);

/* Drops everything behind the records that were dropped, and answers where it lies until more is added. */
const uint8_t *zb_records_take_rest(size_t *length);

#endif
