#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "arenas.h"

#define PAGE_MASK ((uintptr_t)4095)

/* What Python began with: mmap and munmap, whose memory begins with a page. */
static PyObjectArenaAllocator mapped;

/* Ours never does; the word before it has malloc's pointer. */
static void *allocate(void *Py_UNUSED(context), size_t size) {
  char *memory = malloc(size + 2 * sizeof(max_align_t));
  if (memory == NULL) return NULL;
  char *arena = memory + sizeof(max_align_t);
  if (((uintptr_t)arena & PAGE_MASK) == 0) arena += sizeof(max_align_t);
  ((void **)arena)[-1] = memory;
  return arena;
}

static void release(void *Py_UNUSED(context), void *arena, size_t size) {
  if (((uintptr_t)arena & PAGE_MASK) == 0) {
    mapped.free(mapped.ctx, arena, size);
  } else {
    free(((void **)arena)[-1]);
  }
}

void zb_arenas_in_heap(void) {
  PyObjectArenaAllocator in_heap = {.alloc = allocate, .free = release};
  PyObject_GetArenaAllocator(&mapped);
  PyObject_SetArenaAllocator(&in_heap);
}
