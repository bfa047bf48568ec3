#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "link.h"

/* Between start and end; grows for long cells. */
static uint8_t *bytes_held;
static size_t capacity, start, end;

int zb_records_open(void) {
  capacity = ZB_RX_BYTES;
  bytes_held = malloc(capacity);
  if (bytes_held == NULL) return -1;
  memset(bytes_held, 0, capacity);
  return 0;
}

int zb_records_add(uint32_t bytes) {
  const uint8_t *received = zb_link_received();
  /* The end of a record that the last cell began to read. */
  const size_t leftover = zb_input_leftover(received, bytes);
  const size_t length = bytes - leftover;
  if (start == end) start = end = 0;
  if (end + length > capacity) {
    const size_t wanted = (end + length) * 2;
    uint8_t *grown = realloc(bytes_held, wanted);
    if (grown == NULL) return -1;
    bytes_held = grown;
    capacity = wanted;
  }
  memcpy(bytes_held + end, received + leftover, length);
  end += length;
  return 0;
}

const uint8_t *zb_records_peek(struct zb_record *record) {
  if (end - start < sizeof *record) return NULL;
  memcpy(record, bytes_held + start, sizeof *record);
  if (end - start - sizeof *record < record->length) return NULL;
  return bytes_held + start + sizeof *record;
}

void zb_records_drop(void) {
  struct zb_record record;
  if (zb_records_peek(&record) != NULL) start += sizeof record + record.length;
}

const uint8_t *zb_records_take_rest(size_t *length) {
  const uint8_t *rest = bytes_held + start;
  *length = end - start;
  start = end;
  return rest;
}
