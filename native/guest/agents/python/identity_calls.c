/* What makes a fork itself: what the module knows of it in the template, and what it does in a fork. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <unistd.h>

#include "calls.h"
#include "identity.h"
#include "link_abi.h"
#include "records.h"

static PyObject *add_generator(PyObject *self, PyObject *args) {
  (void)self;
  unsigned long long words, position;
  if (!PyArg_ParseTuple(args, "KK", &words, &position)) return NULL;
  if (zb_identity_add_generator((uint32_t *)(uintptr_t)words, (int *)(uintptr_t)position) < 0) {
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  Py_RETURN_NONE;
}

static PyObject *set_machine_id(PyObject *self, PyObject *view) {
  (void)self;
  /* Held for ever. */
  static Py_buffer text;
  if (PyObject_GetBuffer(view, &text, PyBUF_WRITABLE) < 0) return NULL;
  if (text.len < (Py_ssize_t)(2 * ZB_IDENTITY_MACHINE_BYTES)) {
    PyBuffer_Release(&text);
    PyErr_SetString(PyExc_ValueError, "no room for a machine id");
    return NULL;
  }
  zb_identity_set_machine_id(text.buf);
  Py_RETURN_NONE;
}

static PyObject *take_identity(PyObject *self, PyObject *args) {
  (void)self;
  int flags;
  Py_buffer identity;
  if (!PyArg_ParseTuple(args, "iy*", &flags, &identity)) return NULL;
  const int result = zb_identity_take(flags, identity.buf, (size_t)identity.len);
  const int error = errno;
  PyBuffer_Release(&identity);
  if (result == 0) Py_RETURN_NONE;
  errno = error;
  return PyErr_SetFromErrno(PyExc_OSError);
}

/* Whether that is all a fork needs: then receive() does it, and a fork runs no Python for it. */
static int takes_identity;

static PyObject *take_identities(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args)) {
  takes_identity = 1;
  Py_RETURN_NONE;
}

int zblink_take_identity(void) {
  struct zb_record record;
  const uint8_t *payload = takes_identity ? zb_records_peek(&record) : NULL;
  if (payload == NULL || record.kind != ZB_HOST_IDENTITY) return 0;
  if (zb_identity_take(record.flags, payload, record.length) < 0) _exit(ZB_IDENTITY_REFUSED);
  zb_records_drop();
  return zblink_send_all(ZB_GUEST_IDENTITY, 0, ZB_PART_MORE, 0, "", 0, 1);
}

PyMethodDef zblink_identity_calls[] = {
    {"add_generator", add_generator, METH_VARARGS,
     "A generator that take_identity() fills, by the addresses of its state."},
    {"set_machine_id", set_machine_id, METH_O, "The mapped file that take_identity() writes the machine id to."},
    {"take_identity", take_identity, METH_VARARGS, "Reseed the kernel and the generators, and set the clock."},
    {"take_identities", take_identities, METH_NOARGS, "From now on receive() does that, and answers."},
    {NULL, NULL, 0, NULL},
};
